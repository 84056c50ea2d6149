/** Which drawn thing lies next to another one in a direction: where arrow keys lead. */

export interface Rectangle {
  key: string;
  x: number;
  y: number;
  w: number;
  h: number;
}

const DIRECTIONS: Record<string, readonly [number, number]> = {
  ArrowDown: [0, 1],
  ArrowUp: [0, -1],
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
};

/** The nearest thing in the direction of an arrow key, or undefined. */
export function neighbour<T extends Rectangle>(
  all: readonly T[],
  from: Rectangle,
  key: string,
): T | undefined {
  const direction = DIRECTIONS[key];
  if (!direction) return undefined;
  const [dx, dy] = direction;
  let best: T | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const other of all) {
    if (other.key === from.key) continue;
    const x = other.x + other.w / 2 - (from.x + from.w / 2);
    const y = other.y + other.h / 2 - (from.y + from.h / 2);
    const along = x * dx + y * dy;
    const across = Math.abs(x * dy) + Math.abs(y * dx);
    if (along < 4 || (dx !== 0 && across > along * 2)) continue;
    const distance = along + 1.6 * across;
    if (distance < least) [best, least] = [other, distance];
  }
  return best;
}
