/** Why secure mode must not be used with this server, in words for people; null when nothing speaks against it. */
export async function secureFault(
  name: string,
  api: (command: string) => Promise<string>,
): Promise<string | null> {
  const level = Number(/\d+/.exec(await api('fsctl loglevel'))?.[0] ?? 9);
  return level > 5 ? `FreeSWITCH at ${name} logs at level ${level}: fsctl loglevel err` : null;
}
