"""Mail addresses of the directory: those that no server accepts are refused, with the sign."""

import pytest

from settings.mail_address import WrongAddress, address_of_person, plain_address


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("camat@contohkab.example", "camat@contohkab.example"),
        ("Ibu.Sari+surat@Contohkab.Example", "Ibu.Sari+surat@Contohkab.Example"),
        ("o'brien_1@mail-2.example", "o'brien_1@mail-2.example"),
        ("tenggat@localhost", "tenggat@localhost"),
        ("camat@dinas-désa.example", "camat@xn--dinas-dsa-h4a.example"),
        ("camat@bücher.example", "camat@xn--bcher-kva.example"),
    ],
)
def test_a_good_address_is_kept_and_its_domain_is_in_ascii(text, plain):
    assert plain_address(text) == plain


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("camat", "0 signs @"),
        ("a@b@c.example", "2 signs @"),
        ("camat@", "before or after the @ is missing"),
        ("@contohkab.example", "before or after the @ is missing"),
        ("a;b@c", "';' U+003B (semicolon) at place 2"),
        ("ibu sari@c.example", "U+0020 (space) at place 4"),
        ("<a@b.example>", "'<' U+003C (less-than sign) at place 1"),
        ("cam\u00adat@c.example", "U+00AD (soft hyphen) at place 4"),
        ("camat\u200b@c.example", "U+200B (zero width space) at place 6"),
        ("camat@c.exam\u200dple", "U+200D (zero width joiner) at place 7 after the @"),
        ("dés@c.example", "'é' U+00E9 (latin small letter e with acute) at place 2"),
        ("camat@c.example\r\nBcc: x", "U+000D (control character)"),
        ("a..b@c.example", "a dot before the @"),
        (".a@c.example", "a dot before the @"),
        ("a@c..example", "is no domain"),
        ("a@-c.example", "is no domain"),
        ("a@c,example", "',' U+002C (comma) at place 2 after the @"),
        ("x" * 65 + "@c.example", "more than 64 signs"),
        ("a@" + "b" * 64 + ".example", "is no domain"),
    ],
)
def test_an_address_that_no_server_accepts_is_refused_with_the_sign(text, reason):
    with pytest.raises(WrongAddress) as found:
        plain_address(text)
    assert reason in str(found.value)


@pytest.mark.parametrize("text", ["camat@localhost", "camat@localhost.", "camat@dinsos"])
def test_the_domain_of_an_official_has_a_dot(text):
    with pytest.raises(WrongAddress):
        address_of_person(text)
    assert address_of_person("camat@Contohkab.example") == "camat@Contohkab.example"
