// How many views the graph averages is an input with a default, and ONNX Runtime for the web (1.30) feeds only inputs
// without one ("invalid input 'views'"). So the default is hidden from it, in memory and by one byte: the file stays the
// file that the service runs.

const INPUT = "views";

// Protocol buffers: a field's tag is its number and, in the lowest three bits, how its value is stored.
const VARINT = 0;
const EIGHT_BYTES = 1;
const LENGTH_DELIMITED = 2;
const FOUR_BYTES = 5;
// From onnx.proto.
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const GRAPH_UNUSED = 6; // reserved there: readers pass over it
const TENSOR_NAME = 8;

/**
 * Make `views` an input that must be given.
 *
 * @param {Uint8Array} model an ONNX file, changed in place
 * @throws {Error} when it has no such default
 */
export function requireViews(model) {
  for (const graph of fields(model, 0, model.length, MODEL_GRAPH)) {
    for (const tensor of fields(model, graph.start, graph.end, GRAPH_INITIALIZER)) {
      for (const name of fields(model, tensor.start, tensor.end, TENSOR_NAME)) {
        if (new TextDecoder().decode(model.subarray(name.start, name.end)) !== INPUT) continue;
        model[tensor.tag] = (GRAPH_UNUSED << 3) | LENGTH_DELIMITED;
        return;
      }
    }
  }
  throw new Error(`The model has no input ${INPUT} with a default.`);
}

/**
 * The length-delimited fields with this number in a message.
 *
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 * @param {number} wanted
 * @returns {Generator<{tag: number, start: number, end: number}>}
 */
function* fields(bytes, start, end, wanted) {
  for (let at = start; at < end; ) {
    const tag = at;
    const [key, afterKey] = varint(bytes, at);
    const stored = key & 7;
    if (stored === VARINT) at = varint(bytes, afterKey)[1];
    else if (stored === EIGHT_BYTES) at = afterKey + 8;
    else if (stored === FOUR_BYTES) at = afterKey + 4;
    else if (stored === LENGTH_DELIMITED) {
      const [length, content] = varint(bytes, afterKey);
      at = content + length;
      if (key >>> 3 === wanted) yield { tag, start: content, end: at };
    } else throw new Error("The model is not a complete ONNX file.");
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {number} at
 * @returns {[number, number]} value, and where the next begins
 */
function varint(bytes, at) {
  let value = 0;
  let scale = 1;
  // Not shifted: a length may have more than 31 bits.
  for (; ; scale *= 128) {
    const byte = bytes[at++];
    value += (byte & 127) * scale;
    if (byte < 128) return [value, at];
  }
}
