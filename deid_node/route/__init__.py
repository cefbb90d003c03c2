"""Rules: which treatment and which destinations an instance gets.

`build.compile_router` turns options into a `router.Router` once, at start;
`header.header_of` reads the few attributes that the rules ask for.
"""
