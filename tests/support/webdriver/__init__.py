"""Firefox and WebKit for tests of the page: the W3C WebDriver commands that a visit needs, without a package of its own."""
