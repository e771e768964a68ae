// The ABCDE questions about a spot: asymmetry, border, colour, diameter, evolution (Abbasi et al., JAMA 292, 2004).
//
// An answer can only raise the advice: a "no" is not evidence that a spot is harmless, so it changes nothing.

/** Codes of the questions, in their order. */
export const QUESTIONS = ["asymmetry", "border", "colour", "diameter", "evolution"];

/** Advice -> how soon, in an order without a unit. @type {Record<string, number>} */
export const URGENCY = { refused: 0, below: 1, uncertain_below: 2, refused_raised: 3, raised: 3, uncertain_above: 3, above: 3, high: 4 };

/** Advice that one ticked question raises to "within two weeks". @type {Record<string, string>} */
const RAISED = { refused: "refused_raised", below: "raised", uncertain_below: "uncertain_above" };

/**
 * @param {string} advice key below `verdict`
 * @param {number} ticked number of the questions that were answered with yes
 * @returns {string} the same advice, or a more urgent one
 */
export const raiseAdvice = (advice, ticked) => (ticked ? (RAISED[advice] ?? advice) : advice);
