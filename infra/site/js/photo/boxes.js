// Colour descriptions in the boxes of HEIC and AVIF files, read as lambda/lesion/imaging/bmff.py does (ISO/IEC 14496-12).

/** @import { Colours } from "./colours.js" */

/** @typedef {{kind: string, content: DataView}} Box */

const MAX_BOXES = 10_000;
// Bytes of a VisualSampleEntry before its boxes.
const SAMPLE_ENTRY = 78;

/**
 * Return how the primary image describes its colours, or else the first track.
 *
 * @param {Uint8Array} bytes the whole file
 * @returns {Colours} empty when the file does not say, or is malformed
 */
export function readBoxColours(bytes) {
  const file = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const meta = child(file, "meta");
    const colours = meta ? ofPrimaryItem(from(meta, 4)) : {};
    return colours.points || colours.profile ? colours : ofFirstTrack(file);
  } catch (error) {
    if (error instanceof RangeError) return {};
    throw error;
  }
}

/**
 * @param {DataView} view
 * @param {number} start
 * @param {number} [end]
 */
const from = (view, start, end = view.byteLength) => new DataView(view.buffer, view.byteOffset + start, end - start);

/**
 * @param {DataView} view
 * @param {number} at
 */
const textAt = (view, at) => String.fromCharCode(...[0, 1, 2, 3].map((index) => view.getUint8(at + index)));

/**
 * @param {DataView} view
 * @returns {Generator<Box>}
 */
function* boxes(view) {
  let at = 0;
  for (let number = 0; number < MAX_BOXES && at + 8 <= view.byteLength; number++) {
    let size = view.getUint32(at);
    let head = 8;
    if (size === 1) {
      size = Number(view.getBigUint64(at + 8));
      head = 16;
    }
    const end = size ? at + size : view.byteLength;
    if (end < at + head) return;
    yield { kind: textAt(view, at + 4), content: from(view, at + head, Math.min(end, view.byteLength)) };
    at = end;
  }
}

/**
 * @param {DataView} view
 * @param {string[]} path
 * @returns {DataView | null} the content of the first box on the path
 */
function child(view, ...path) {
  /** @type {DataView | null} */
  let found = view;
  for (const kind of path) {
    found = found && ([...boxes(found)].find((box) => box.kind === kind)?.content ?? null);
  }
  return found;
}

/**
 * @param {DataView} meta
 * @returns {Colours}
 */
function ofPrimaryItem(meta) {
  const primary = child(meta, "pitm");
  const properties = child(meta, "iprp");
  if (!primary || !properties) return {};
  const item = primary.getUint8(0) === 0 ? primary.getUint16(4) : primary.getUint32(4);
  const colours = ofItem(properties, item);
  if (colours.points || colours.profile) return colours;
  // An image of tiles may leave the description to them; the first one stands for all.
  const references = child(meta, "iref");
  const tile = references && firstSource(references, item);
  return tile === null ? {} : ofItem(properties, tile);
}

/**
 * @param {DataView} properties
 * @param {number} item
 * @returns {Colours}
 */
function ofItem(properties, item) {
  const container = child(properties, "ipco");
  const listed = container ? [...boxes(container)] : [];
  /** @type {Colours} */
  let colours = {};
  for (const { kind, content } of boxes(properties)) {
    if (kind !== "ipma") continue;
    for (const index of associated(content, item)) {
      if (index > 0 && index <= listed.length) colours = { ...ofBox(listed[index - 1]), ...colours };
    }
  }
  return colours;
}

/**
 * Return the numbers of an item's properties, counted from 1.
 *
 * @param {DataView} ipma
 * @param {number} item
 */
function associated(ipma, item) {
  const isWideItem = ipma.getUint8(0) >= 1;
  const width = ipma.getUint8(3) & 1 ? 2 : 1;
  let at = 8;
  for (let entry = Math.min(ipma.getUint32(4), MAX_BOXES); entry > 0; entry--) {
    const number = isWideItem ? ipma.getUint32(at) : ipma.getUint16(at);
    at += isWideItem ? 4 : 2;
    const count = ipma.getUint8(at);
    const start = at + 1;
    at = start + count * width;
    if (number !== item) continue;
    // The highest bit says that the property is essential.
    return Array.from({ length: count }, (_, index) =>
      width === 2 ? ipma.getUint16(start + 2 * index) & 0x7fff : ipma.getUint8(start + index) & 0x7f,
    );
  }
  return [];
}

/**
 * @param {DataView} references
 * @param {number} item
 * @returns {number | null} the first image of which a derived image is made
 */
function firstSource(references, item) {
  const isWide = references.getUint8(0) !== 0;
  for (const { kind, content } of boxes(from(references, 4))) {
    if (kind !== "dimg" || (isWide ? content.getUint32(0) : content.getUint16(0)) !== item) continue;
    return isWide ? content.getUint32(6) : content.getUint16(4);
  }
  return null;
}

/**
 * @param {DataView} file
 * @returns {Colours}
 */
function ofFirstTrack(file) {
  const table = child(file, "moov", "trak", "mdia", "minf", "stbl", "stsd");
  const entry = table && boxes(from(table, 8)).next().value;
  /** @type {Colours} */
  let colours = {};
  for (const box of entry ? boxes(from(entry.content, SAMPLE_ENTRY)) : []) colours = { ...ofBox(box), ...colours };
  return colours;
}

/**
 * @param {Box} box
 * @returns {Colours}
 */
function ofBox({ kind, content }) {
  if (kind !== "colr" || content.byteLength < 10) return {};
  const type = textAt(content, 0);
  if (type === "nclx") return { points: { primaries: content.getUint16(4), transfer: content.getUint16(6), isFullRange: true } };
  if (type !== "prof" && type !== "rICC") return {};
  return { profile: new Uint8Array(content.buffer, content.byteOffset + 4, content.byteLength - 4) };
}
