"""What makes a run of all tests cheap works, and changes nothing that a test finds."""

from support.startup import rewritten_asserts


def test_a_module_of_tests_is_rewritten_once(tmp_path, pytestconfig):
    file = tmp_path / "test_small.py"
    file.write_text("def test_one():\n    assert 1 == 1\n", encoding="utf-8")
    kept = [rewritten_asserts.keep(file, pytestconfig) for _ in range(2)]
    file.write_text("def test_two():\n    assert 2 == 2\n", encoding="utf-8")
    assert [*kept, rewritten_asserts.keep(file, pytestconfig)] == [True, False, True]
