"""The smallest workflow with a playground variable: a message comes in, feedback is asked for and processed."""

from __future__ import annotations

from pydantic import BaseModel

from mulligan import Context, Mulligan, after

m = Mulligan()


class Message(BaseModel):
    text: str


class Request(BaseModel):
    prompt: str
    message: str


feedback = m.workflow("feedback", input=Message, doc="Answers a message with a request for feedback.")


@feedback.step
def receive(message: Message) -> str:
    return " ".join(message.text.split())


@feedback.step
def ask(ctx: Context, text: str = after(receive)) -> Request:
    prompt = ctx.playground("prompt", "Please provide your feedback:", multiline=True)
    return Request(prompt=prompt, message=text)


@feedback.step
def process(request: Request = after(ask)) -> str:
    return f"{request.prompt}\n> {request.message}"
