// The square of a photo that is kept: how it moves, grows and rotates, always inside the photo.

/**
 * @typedef {{width: number, height: number}} Size
 *
 * @typedef {{quarterTurns: number, x: number, y: number, side: number}} Square in pixels of the rotated photo; `quarterTurns` clockwise
 */

/** Pixels a side. The service refuses squares that are smaller than half of the network's input. */
export const MIN_SIDE = 128;
/** Share of the square, for each key press. */
const STEP = 0.06;
const CLOSER = 1.25;

/** Canvas transforms that rotate by 0, 90, 180 and 270° clockwise. */
export const ROTATIONS = /** @type {((width: number, height: number) => [number, number, number, number, number, number])[]} */ ([
  () => [1, 0, 0, 1, 0, 0],
  (_, height) => [0, 1, -1, 0, height, 0],
  (width, height) => [-1, 0, 0, -1, width, height],
  (width) => [0, -1, 1, 0, 0, width],
]);

/**
 * @param {Size} photo
 * @param {number} quarterTurns
 * @returns {Size} of the rotated photo
 */
export const rotatedSize = ({ width, height }, quarterTurns) => (quarterTurns % 2 ? { width: height, height: width } : { width, height });

/**
 * Return the centred square, which the network receives without a crop.
 *
 * @param {Size} photo
 * @returns {Square}
 */
export function centredSquare({ width, height }) {
  const side = Math.min(width, height);
  return inside({ quarterTurns: 0, side, x: (width - side) / 2, y: (height - side) / 2 }, { width, height });
}

/**
 * Return the square after a button or key.
 *
 * @param {Square} square
 * @param {string} move "left", "right", "up", "down", "closer", "farther" or "rotate"
 * @param {Size} photo
 * @returns {Square}
 */
export function moved(square, move, photo) {
  const { quarterTurns, x, y, side } = square;
  const step = STEP * side;
  if (move === "closer") return zoomed(square, CLOSER, photo);
  if (move === "farther") return zoomed(square, 1 / CLOSER, photo);
  // The square rotates with the photo, so that it keeps its content.
  const { height } = rotatedSize(photo, quarterTurns);
  if (move === "rotate") return inside({ quarterTurns: (quarterTurns + 1) % 4, side, x: height - y - side, y: x }, photo);
  const across = move === "left" ? -step : move === "right" ? step : 0;
  const down = move === "up" ? -step : move === "down" ? step : 0;
  return inside({ ...square, x: x + across, y: y + down }, photo);
}

/**
 * Return the square magnified around a point.
 *
 * @param {Square} square
 * @param {number} factor above 1 to go closer
 * @param {Size} photo
 * @param {{x: number, y: number}} [point] that stays where it is, as shares of the square
 * @returns {Square}
 */
export function zoomed(square, factor, photo, point = { x: 0.5, y: 0.5 }) {
  const side = clampedSide(square.side / factor, photo);
  const lost = square.side - side;
  return inside({ ...square, side, x: square.x + lost * point.x, y: square.y + lost * point.y }, photo);
}

/**
 * @param {Square} square
 * @param {Size} photo
 * @returns {boolean} whether it cannot become smaller
 */
export const isClosest = ({ side }, photo) => side <= clampedSide(0, photo);

/**
 * @param {number} side
 * @param {Size} photo
 */
function clampedSide(side, { width, height }) {
  const most = Math.min(width, height);
  return Math.min(Math.max(side, Math.min(MIN_SIDE, most)), most);
}

/**
 * Return the nearest square of whole pixels inside the photo.
 *
 * @param {Square} wanted
 * @param {Size} photo
 * @returns {Square}
 */
export function inside({ quarterTurns, x, y, side: wantedSide }, photo) {
  const { width, height } = rotatedSize(photo, quarterTurns);
  const side = Math.round(clampedSide(wantedSide, photo));
  const within = (/** @type {number} */ at, /** @type {number} */ length) => Math.min(Math.max(Math.round(at), 0), length - side);
  return { quarterTurns, side, x: within(x, width), y: within(y, height) };
}
