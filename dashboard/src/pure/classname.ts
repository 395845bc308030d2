/** The class of an exception, `package.module.TooLong`, as module and short name. */
export function splitClass(type: string): { module: string; name: string } {
  const end = type.lastIndexOf(".") + 1;
  return { module: type.slice(0, end), name: type.slice(end) };
}
