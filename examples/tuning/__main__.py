"""A variable is tuned on a recorded input, in one terminal: `python -m examples.tuning`."""

from __future__ import annotations

import asyncio

from examples.tuning import feedback
from examples.tuning.newsletter import Article, m, read, summarise, teaser


async def tune() -> None:
    run = await (await teaser.start(Article(file="honeybees.md"))).wait()
    print(f"{run.id}  {run.status}: {run[summarise].error}")
    for method, sentences in (("reduction", 3), ("luhn", 2), ("sum-basic", 2)):
        again = await run.replay(
            playground={"method": method, "sentences": sentences, "template": "{title}. {summary}"},
            reason=f"is {method} with {sentences} sentences better?",
        )
        again = await again.wait()
        print(f"{again.id}  {again.status}  {read.name} was {again[read].status}, {method}, {sentences} sentences:")
        print(f"  {again[summarise].output if again.status == 'succeeded' else again[summarise].error}")


async def ask() -> None:
    message = feedback.Message(text="The new timeline is lovely, but I cannot find the logs.")
    run = await (await feedback.feedback.start(message)).wait()
    again = await run.replay(from_step=feedback.ask, playground={"prompt": "What should we mend first?"})
    print(f"\n{run[feedback.process].output}\n\n{(await again.wait())[feedback.process].output}")


def main() -> None:
    asyncio.run(tune())
    m.close()
    asyncio.run(ask())
    feedback.m.close()


if __name__ == "__main__":
    main()
