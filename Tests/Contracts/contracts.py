"""The message schemas as validators, read the way a careful consumer would."""

import json
import pathlib

import regress
from jsonschema import Draft202012Validator, ValidationError, validators

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "schemas"


def _pattern(validator, pattern, instance, schema):
    # JSON Schema means ECMA-262 expressions; Python's `$` would let a line end through.
    if validator.is_type(instance, "string") and not regress.Regex(pattern).find(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


_Validator = validators.extend(Draft202012Validator, {"pattern": _pattern})


def validator(message):
    """The validator of a message such as "quote.v1"; the schema itself is checked first."""
    schema = json.loads((SCHEMAS / f"{message}.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return _Validator(schema)


def _refuse(word):
    raise ValueError(f"{word} is not JSON")


def parse(body):
    """The JSON value of a record's bytes.

    Raises ValueError for what RFC 8259 does not allow, as any plain parser would.
    """
    return json.loads(body.decode("utf-8"), parse_constant=_refuse)


def problems(schema, body):
    """Why a body is refused by a JSON parser and the schema, in words; empty when it is not."""
    try:
        value = parse(body)
    except ValueError as error:
        return [f"not JSON: {error}"]
    return [
        f"{'.'.join(str(step) for step in error.absolute_path) or 'body'}: {error.message[:200]}"
        for error in schema.iter_errors(value)
    ]
