"""Detector of words that are broken over two lines in buttons and headings."""

from playwright.sync_api import Page

_BROKEN_WORDS = """(percent) => {
    document.documentElement.style.fontSize = percent === 100 ? "" : `${percent}%`;
    // File names are not words of the page, and are cut or broken on purpose.
    const NAMES = ".name";
    const LABELS = "button, .button, h1, h2, h3, h4, summary, legend, th, [role=button], .choice label";
    // A line may end after a hyphen, a dash or a slash that is written there.
    const WORD = /[^\\s\\u2010\\u2012-\\u2015\\/-]+/gu;
    const found = [];
    const range = document.createRange();
    for (const element of document.querySelectorAll(LABELS)) {
        if (!element.checkVisibility({ visibilityProperty: true })) continue;
        const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
            const text = texts.currentNode;
            if (text.parentElement.closest(NAMES)) continue;
            for (const { 0: word, index } of text.data.matchAll(WORD)) {
                range.setStart(text, index);
                range.setEnd(text, index + word.length);
                const lines = [...range.getClientRects()].filter(({ width }) => width > 0);
                const tops = lines.map(({ top }) => top);
                // Parts of one line differ in their tops by less than half of their height.
                const isBroken = lines.length > 1 && Math.max(...tops) - Math.min(...tops) > lines[0].height / 2;
                if (isBroken) found.push(`${element.localName}${element.id && "#" + element.id}: ${word}`);
            }
        }
    }
    return found;
}"""

_SWITCH = """async (code) => {
    const root = document.documentElement;
    const menu = document.getElementById("language");
    if (root.lang === code) return;
    menu.value = code;
    menu.dispatchEvent(new Event("change"));
    const isDone = () => root.lang === code && !root.hasAttribute("data-switching");
    for (let tries = 0; tries < 500 && !isDone(); tries++) await new Promise((resolve) => setTimeout(resolve, 10));
    if (!isDone()) throw new Error(`The page did not switch to ${code}.`);
}"""


def broken_words(page: Page, percent: int = 100) -> list[str]:
    """Return the words of visible buttons and headings that lie on two lines, with text of this size."""
    return list(page.evaluate(_BROKEN_WORDS, percent))


def switch_language(page: Page, code: str) -> None:
    """Choose a language in the page's menu, also while a dialog is open, and wait until the page is translated."""
    page.evaluate(_SWITCH, code)
