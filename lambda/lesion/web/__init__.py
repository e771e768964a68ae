"""HTTP: routes, uploads, fetching by URL, problem+json, middleware, access log and the documentation page."""
