// Finds spots that are darker or redder than the skin around them, in a small square image. It decides nothing about a spot.

/**
 * @typedef {{data: Uint8ClampedArray, width: number, height: number}} Pixels RGBA, opaque
 *
 * @typedef {object} Spots
 * @property {number} area of the spot in the circle, as a share of the circle; 0 when none stands out
 * @property {number} count of spots like it, itself included
 *
 * @typedef {{cells: number[], row: number, column: number, contrast: number}} Part of the grid, with its middle
 */

/** Cells a side. A finer grid finds hairs and pores. */
export const GRID = 64;
// Of the logarithm, so that black pixels have one.
const OFFSET = 8;
const BINS = 64;
/** Difference from the skin in the logarithm of blue and green; skin without a spot has less. */
const LEAST_CONTRAST = 0.09;
/** Compared with the largest one, in area and contrast; freckles and hairs are smaller and paler. */
const LIKE_AREA = 0.4;
const LIKE_CONTRAST = 0.6;

/**
 * Find the largest spot whose middle is in the circle, and spots like it: Otsu's threshold (1979) on the darkness in blue and
 * green, in which lesions stand out most (Celebi et al., 2009), after a linear gradient of the light is removed.
 *
 * @param {Pixels} pixels a square
 * @param {number} circle diameter of the centred circle, as a share of the side
 * @returns {Spots}
 */
export function findSpots(pixels, circle) {
  const { parts, largest } = largestSpot(pixels, circle);
  if (!largest) return { area: 0, count: 0 };
  const isLike = (/** @type {Part} */ { cells, contrast }) =>
    cells.length >= LIKE_AREA * largest.cells.length && contrast >= LIKE_CONTRAST * largest.contrast && !cells.some(isEdge);
  const others = parts.filter((part) => part !== largest && isLike(part));
  return { area: largest.cells.length / (Math.PI * ((circle / 2) * GRID) ** 2), count: 1 + others.length };
}

/**
 * Return the cells of the largest spot whose middle is in the circle.
 *
 * @param {Pixels} pixels a square
 * @param {number} circle diameter of the centred circle, as a share of the side
 * @returns {number[] | null} places in a grid of GRID x GRID; null when none stands out
 */
export const spotCells = (pixels, circle) => largestSpot(pixels, circle).largest?.cells ?? null;

/**
 * @param {Pixels} pixels a square
 * @param {number} circle
 * @returns {{parts: Part[], largest: Part | null}}
 */
function largestSpot(pixels, circle) {
  const dark = flatten(smooth(darkness(pixels)), circle / 2);
  const parts = connectedParts(dark, otsu(dark));
  const inCircle = parts.filter(({ row, column }) => Math.hypot(row, column) < circle / 2);
  const largest = inCircle.reduce((best, part) => (part.cells.length > best.cells.length ? part : best), NOTHING);
  return { parts, largest: largest.contrast < LEAST_CONTRAST ? null : largest };
}

/** @type {Part} */
const NOTHING = { cells: [], row: 0, column: 0, contrast: 0 };

/** @param {number} cell */
function isEdge(cell) {
  const [row, column] = [Math.floor(cell / GRID), cell % GRID];
  return row === 0 || column === 0 || row === GRID - 1 || column === GRID - 1;
}

/**
 * @param {Pixels} pixels
 * @returns {Float32Array} a number for each cell, from the mean of its pixels
 */
function darkness({ data, width }) {
  const sums = new Float32Array(2 * GRID * GRID);
  const counts = new Uint32Array(GRID * GRID);
  for (let pixel = 0; pixel < data.length / 4; pixel++) {
    const cell = Math.floor((Math.floor(pixel / width) * GRID) / width) * GRID + Math.floor(((pixel % width) * GRID) / width);
    sums[2 * cell] += data[4 * pixel + 1];
    sums[2 * cell + 1] += data[4 * pixel + 2];
    counts[cell]++;
  }
  const log = (/** @type {number} */ sum, /** @type {number} */ cell) => Math.log(sum / counts[cell] + OFFSET);
  return Float32Array.from(counts, (_, cell) => -(log(sums[2 * cell], cell) + log(sums[2 * cell + 1], cell)) / 2);
}

/**
 * @param {Float32Array} values
 * @returns {Float32Array} the mean of each cell and its eight neighbours
 */
function smooth(values) {
  const across = values.map((_, cell) => meanOf(values, cell, cell % GRID, 1));
  return across.map((_, cell) => meanOf(across, cell, Math.floor(cell / GRID), GRID));
}

/**
 * @param {Float32Array} values
 * @param {number} cell
 * @param {number} place of the cell in its row or column
 * @param {number} step to the next cell
 */
function meanOf(values, cell, place, step) {
  const [before, after] = [place > 0 ? cell - step : cell, place < GRID - 1 ? cell + step : cell];
  return (values[before] + values[cell] + values[after]) / 3;
}

/**
 * Subtract the plane that fits the cells outside the circle, so that light from one side is no spot.
 *
 * @param {Float32Array} values
 * @param {number} radius of the circle, as a share of the side
 * @returns {Float32Array}
 */
function flatten(values, radius) {
  const place = (/** @type {number} */ index) => (index + 0.5) / GRID - 0.5;
  let [count, sum, squares, byRow, byColumn] = [0, 0, 0, 0, 0];
  values.forEach((value, cell) => {
    const [row, column] = [place(Math.floor(cell / GRID)), place(cell % GRID)];
    if (Math.hypot(row, column) < radius) return;
    count++;
    sum += value;
    squares += row * row;
    byRow += row * value;
    byColumn += column * value;
  });
  // The region is symmetric, so that the three coefficients do not depend on each other.
  return values.map((value, cell) => {
    const slope = byRow * place(Math.floor(cell / GRID)) + byColumn * place(cell % GRID);
    return value - sum / count - slope / squares;
  });
}

/**
 * @param {Float32Array} values
 * @returns {number} the threshold that separates them best into two groups
 */
function otsu(values) {
  const least = values.reduce((one, other) => Math.min(one, other));
  const width = (values.reduce((one, other) => Math.max(one, other)) - least) / BINS || 1;
  const counts = new Uint32Array(BINS);
  for (const value of values) counts[Math.min(BINS - 1, Math.floor((value - least) / width))]++;
  const total = counts.reduce((sum, count, bin) => sum + bin * count, 0);
  let [below, sumBelow, most, best] = [0, 0, 0, 0];
  for (const [bin, count] of counts.entries()) {
    below += count;
    sumBelow += bin * count;
    const above = values.length - below;
    const between = below && above ? below * above * (sumBelow / below - (total - sumBelow) / above) ** 2 : 0;
    if (between > most) [most, best] = [between, bin];
  }
  return least + (best + 1) * width;
}

/**
 * @param {Float32Array} values
 * @param {number} threshold
 * @returns {Part[]} connected cells above the threshold; `row` and `column` from the middle, as shares of the side
 */
function connectedParts(values, threshold) {
  const isOpen = Array.from(values, (value) => value > threshold);
  const skin = values.filter((_, cell) => !isOpen[cell]);
  const level = skin.reduce((sum, value) => sum + value, 0) / Math.max(1, skin.length);
  /** @type {Part[]} */
  const parts = [];
  for (let first = 0; first < values.length; first++) {
    if (!isOpen[first]) continue;
    isOpen[first] = false;
    const cells = [first];
    let [rows, columns, sum] = [0, 0, 0];
    // Grows while it is read.
    for (const cell of cells) {
      const [row, column] = [Math.floor(cell / GRID), cell % GRID];
      rows += row + 0.5;
      columns += column + 0.5;
      sum += values[cell];
      const sides = [column > 0 && cell - 1, column < GRID - 1 && cell + 1];
      for (const next of [row > 0 && cell - GRID, row < GRID - 1 && cell + GRID, ...sides]) {
        if (next === false || !isOpen[next]) continue;
        isOpen[next] = false;
        cells.push(next);
      }
    }
    const middle = (/** @type {number} */ places) => places / cells.length / GRID - 0.5;
    parts.push({ cells, row: middle(rows), column: middle(columns), contrast: sum / cells.length - level });
  }
  return parts;
}
