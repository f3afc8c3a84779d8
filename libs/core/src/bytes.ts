const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'];

/** `33.6 GB`: decimal units, as disks and networks are sold. */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  for (; value >= 1000 && unit < UNITS.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}
