// Small grey images: halves, blurred copies and fine structures. No DOM here.

/**
 * @typedef {{values: Float32Array, side: number}} Grey a square image
 */

/**
 * @param {Grey} image
 * @param {number} coarsest side in pixels
 * @returns {Grey[]} from the coarsest to the image itself
 */
export function pyramid(image, coarsest) {
  const levels = [image];
  while (levels[0].side > coarsest) levels.unshift(half(levels[0]));
  return levels;
}

/** @param {Grey} image @returns {Grey} */
function half({ values, side }) {
  const small = side / 2;
  const halved = new Float32Array(small * small);
  for (let row = 0; row < small; row++) {
    for (let column = 0; column < small; column++) {
      const at = 2 * row * side + 2 * column;
      halved[row * small + column] = (values[at] + values[at + 1] + values[at + side] + values[at + side + 1]) / 4;
    }
  }
  return { values: halved, side: small };
}

/** @type {WeakMap<Grey, Map<number, Grey>>} */
const filtered = new WeakMap();

/**
 * Return the structures between `radius` and eight pixels: light and shadow are larger, noise is smaller.
 *
 * @param {Grey} image
 * @param {number} radius
 * @returns {Grey}
 */
export function fine(image, radius) {
  const byRadius = filtered.get(image) ?? new Map();
  filtered.set(image, byRadius);
  if (!byRadius.has(radius)) {
    const [sharp, soft] = [blur(image, radius), blur(image, 8)];
    byRadius.set(radius, { values: sharp.values.map((value, at) => value - soft.values[at]), side: image.side });
  }
  return byRadius.get(radius);
}

/**
 * @param {Grey} image
 * @param {number} radius of the box, in pixels
 * @returns {Grey}
 */
function blur({ values, side }, radius) {
  const across = boxMeans(values, side, radius, 1, side);
  return { values: boxMeans(across, side, radius, side, 1), side };
}

/**
 * @param {Float32Array} values
 * @param {number} side
 * @param {number} radius
 * @param {number} step along a line
 * @param {number} next to the next line
 */
function boxMeans(values, side, radius, step, next) {
  const means = new Float32Array(values.length);
  for (let line = 0; line < side; line++) {
    let [sum, count] = [0, 0];
    const at = (/** @type {number} */ place) => line * next + place * step;
    for (let place = -radius; place < side; place++) {
      if (place + radius < side) [sum, count] = [sum + values[at(place + radius)], count + 1];
      if (place - radius > 0) [sum, count] = [sum - values[at(place - radius - 1)], count - 1];
      if (place >= 0) means[at(place)] = sum / count;
    }
  }
  return means;
}
