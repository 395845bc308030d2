import { Link } from "@tanstack/react-router";
import { buttonLook } from "@/ui/Button";
import { Empty } from "@/ui/Notice";

const FIRST = `from mulligan import Mulligan

m = Mulligan()

@m.task
async def hello(name: str) -> str:
    return f"hello {name}"`;

export function NoRuns({ q }: { q: string }) {
  if (q !== "") {
    return (
      <Empty title="No run matches these filters">
        <p>
          Take a chip away, or look further back with <code className="font-mono">since:7d</code>.
        </p>
        <Link to="/runs" search={{}} className={buttonLook("plain")}>
          Show all runs
        </Link>
      </Empty>
    );
  }
  return (
    <Empty title="Nothing has run yet">
      <p>Declare a task, start it with the command line or from code, and it appears here at once.</p>
      <pre className="overflow-x-auto rounded-md bg-sunken p-3 text-left font-mono text-ink text-sm">{FIRST}</pre>
      <pre className="overflow-x-auto rounded-md bg-sunken p-3 text-left font-mono text-ink text-sm">
        mulligan dev app.py:m{"\n"}mulligan run hello --set name=ada --wait
      </pre>
      <Link to="/workflows" className={buttonLook("plain")}>
        See what can run
      </Link>
    </Empty>
  );
}
