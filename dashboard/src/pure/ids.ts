/**
 * Ids are UUIDv7: the beginning is a clock, so neighbours look alike there and differ at the end. The short form shows
 * both ends of what tells two runs apart.
 */
export function shortId(id: string): string {
  const bare = id.replaceAll("-", "");
  return bare.length <= 12 ? id : `${bare.slice(0, 4)}…${bare.slice(-5)}`;
}
