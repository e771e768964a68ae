// Lint of the page's scripts. Types are checked by TypeScript (tsconfig.json), formatting is read by people.

import js from "@eslint/js";
import globals from "globals";

export default [
  {
    files: ["site/**/*.js"],
    ...js.configs.recommended,
    linterOptions: { reportUnusedDisableDirectives: "error" },
    languageOptions: { ecmaVersion: 2025, sourceType: "module", globals: globals.browser },
    rules: {
      ...js.configs.recommended.rules,
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      "no-console": ["error", { allow: ["error"] }],
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "Text enters the document as text: textContent, append." },
        { property: "outerHTML", message: "Text enters the document as text: textContent, append." },
        { property: "insertAdjacentHTML", message: "Text enters the document as text: textContent, append." },
      ],
      "no-shadow": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
    },
  },
  {
    files: ["site/sw.js"],
    languageOptions: { sourceType: "script", globals: globals.serviceworker },
  },
];
