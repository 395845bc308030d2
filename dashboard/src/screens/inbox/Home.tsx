import { useQuery } from "@tanstack/react-query";
import { Navigate } from "@tanstack/react-router";
import { inboxQuery } from "@/api/queries";
import { Loading } from "@/ui/Notice";

/** Where one starts: at what is broken, or at the runs when nothing is. */
export function Home() {
  const inbox = useQuery(inboxQuery("open"));
  if (inbox.isPending) return <Loading what="the inbox" />;
  return inbox.data && inbox.data.counts.open > 0 ? (
    <Navigate to="/inbox" search={{}} replace />
  ) : (
    <Navigate to="/runs" search={{}} replace />
  );
}
