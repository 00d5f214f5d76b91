"""Small faults put into the product, one at a time, and a count of those the tests find.

`making` lists every fault that could be made, with `reading` for one file and `writing` for what
writes to the database. `choosing` picks some with a seed, and locates them again in another version
of the code. `trees` makes the copies of the project in which tests run. `mapping` runs the suite
once and records the lines that each test executes, which `marking` makes possible. `hunting` puts
one fault into a copy and runs the tests that execute its lines. `report` prints and compares.
`seen` and `inside` are copied into the suite under test and import nothing from here.
"""
