// Similarity transforms of positions in square images. No DOM here.

/**
 * @typedef {{angle: number, scale: number, x: number, y: number}} Similarity takes a position p in the first image to
 *   scale · rotation(angle) · p + (x, y) in the second; positions from the middle, in sides; angle in radians, clockwise
 */

/** Radius of the circle on which two transforms are compared, in sides. */
const RADIUS = 0.3;

/**
 * @param {Similarity} similarity
 * @returns {Similarity} from the second image to the first
 */
export function inverse({ angle, scale, x, y }) {
  const [cos, sin] = [Math.cos(angle) / scale, Math.sin(angle) / scale];
  return { angle: -angle, scale: 1 / scale, x: -cos * x - sin * y, y: sin * x - cos * y };
}

/**
 * Return the largest distance between where two similarities take a point of the first image's middle, in sides.
 *
 * @param {Similarity} one
 * @param {Similarity} other
 */
export function largestDistance(one, other) {
  const real = one.scale * Math.cos(one.angle) - other.scale * Math.cos(other.angle);
  const imaginary = one.scale * Math.sin(one.angle) - other.scale * Math.sin(other.angle);
  // The difference of two similarities turns and scales as well.
  return RADIUS * Math.hypot(real, imaginary) + Math.hypot(one.x - other.x, one.y - other.y);
}
