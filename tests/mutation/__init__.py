"""Mutation tests: small faults put into the product, and a count of those that the tests find.

`candidates` lists every possible fault, with `changes` for one file and `writers` for the functions
that write to the database. `selection` chooses some by a seed, and locates them again in another
version of the code. `checkouts` copies the project. `coverage_map` runs the suite once and records
the lines that each test executes; `line_marks` adds the marks for it. `search` puts one fault into
a copy and runs the tests that execute its lines. `report` prints and compares. `executed_lines` and
`suite_plugin` are copied into the suite under test and import nothing from here.
"""
