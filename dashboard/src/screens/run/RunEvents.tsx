import { useQuery } from "@tanstack/react-query";
import { eventsQuery } from "@/api/queries";
import { formatClock, formatInstant } from "@/pure/time";
import { Loading, ProblemNotice } from "@/ui/Notice";

/** Everything that happened to the run, oldest first, in words. */
export function RunEvents({ run }: { run: string }) {
  const events = useQuery(eventsQuery(run));
  if (events.error && !events.data) return <ProblemNotice error={events.error} onRetry={() => void events.refetch()} />;
  if (!events.data) return <Loading what="the events" />;
  return (
    <ol className="py-2">
      {events.data.items.map((event, index) => (
        <li
          // biome-ignore lint/suspicious/noArrayIndexKey: history is appended to, never reordered
          key={index}
          className="flex flex-wrap gap-x-4 gap-y-0.5 px-4 py-1.5 hover:bg-sunken"
        >
          <time
            dateTime={event.at}
            title={formatInstant(event.at)}
            className="w-24 font-mono text-ink-faint text-xs leading-5"
          >
            {formatClock(event.at)}
          </time>
          <span className="wrap-anywhere min-w-48 flex-1">{event.text}</span>
          <span className="wrap-anywhere min-w-0 text-ink-faint text-xs">{event.actor}</span>
        </li>
      ))}
    </ol>
  );
}
