// The number of views and the image type are inputs of the graph with a default, and ONNX Runtime for the web (1.30) rejects
// values for such inputs ("invalid input 'views'"). One byte of the model is changed in memory to hide each default; the file
// stays that of the service.

// Protocol buffers: a tag is the field number and, in the lowest three bits, the wire type.
const VARINT = 0;
const EIGHT_BYTES = 1;
const LENGTH_DELIMITED = 2;
const FOUR_BYTES = 5;
// From onnx.proto.
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const GRAPH_UNUSED = 6; // a reserved number, which parsers skip
const TENSOR_NAME = 8;

/**
 * Make inputs with a default required ones.
 *
 * @param {Uint8Array} model an ONNX file, changed in place
 * @param {string[]} inputs names; those without a default in the file stay as they are
 */
export function requireInputs(model, inputs) {
  for (const graph of fields(model, 0, model.length, MODEL_GRAPH)) {
    for (const tensor of fields(model, graph.start, graph.end, GRAPH_INITIALIZER)) {
      for (const name of fields(model, tensor.start, tensor.end, TENSOR_NAME)) {
        if (!inputs.includes(new TextDecoder().decode(model.subarray(name.start, name.end)))) continue;
        model[tensor.tag] = (GRAPH_UNUSED << 3) | LENGTH_DELIMITED;
      }
    }
  }
}

/**
 * Yield the length-delimited fields with this number in a message.
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
    const wireType = key & 7;
    if (wireType === VARINT) at = varint(bytes, afterKey)[1];
    else if (wireType === EIGHT_BYTES) at = afterKey + 8;
    else if (wireType === FOUR_BYTES) at = afterKey + 4;
    else if (wireType === LENGTH_DELIMITED) {
      const [length, content] = varint(bytes, afterKey);
      at = content + length;
      if (key >>> 3 === wanted) yield { tag, start: content, end: at };
    } else throw new Error("The model is not a complete ONNX file.");
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {number} at
 * @returns {[number, number]} value and offset after it
 */
function varint(bytes, at) {
  let value = 0;
  let scale = 1;
  // No bit shift: a length may have more than 31 bits.
  for (; ; scale *= 128) {
    const byte = bytes[at++];
    value += (byte & 127) * scale;
    if (byte < 128) return [value, at];
  }
}
