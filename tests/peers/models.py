"""Holds raw answers against botocore's service models, more strictly than its parsers.

botocore skips what it does not know and takes whatever type comes. Here an unknown
member, a wrong type, a missing required member, a null and a value outside an
enumeration are problems; each is said with its path.
"""

import base64
import binascii
import datetime
import json
import re
import xml.etree.ElementTree as ElementTree
from email.utils import parsedate_to_datetime

from botocore import xform_name

S3_ROOTS = {"ListObjectsV2": "ListBucketResult"}
"""What the XML of an answer is called, where that is not its operation's name."""

S3_XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/"

COMMON_HEADERS = {
    "connection",
    "content-length",
    "content-type",
    "date",
    "server",
    "transfer-encoding",
    "x-amz-id-2",
    "x-amz-request-id",
    "x-amzn-requestid",
}
"""Headers that any answer may have."""

NUMBERS = {
    "integer": r"-?\d+",
    "long": r"-?\d+",
    "float": r"-?\d+(\.\d+)?(E-?\d+)?",
    "double": r"-?\d+(\.\d+)?(E-?\d+)?",
}


def problems(operation, response):
    """What is wrong with an answer: `response` is botocore's raw response dictionary."""
    headers = {name.lower(): value for name, value in response["headers"].items()}
    protocol = operation.service_model.resolved_protocol
    found = list(_envelope(operation, protocol, headers))
    failed = response["status_code"] >= 300
    read = _failures[protocol] if failed else _answers[protocol]
    found += read(operation, headers, response)
    return found


def _envelope(operation, protocol, headers):
    wanted = "x-amz-request-id" if protocol == "rest-xml" else "x-amzn-requestid"
    if wanted not in headers:
        yield f"no header {wanted}"
    if "date" not in headers:
        yield "no header date"
    kind = headers.get("content-type", "")
    if protocol == "json":
        version = operation.service_model.metadata["jsonVersion"]
        if kind != f"application/x-amz-json-{version}":
            yield f"content-type {kind!r}"
    elif protocol in ("query", "ec2") and not kind.startswith("text/xml"):
        yield f"content-type {kind!r}"


# JSON


def _json_answer(operation, _headers, response):
    body = json.loads(response["body"])
    if operation.output_shape is None:
        return [f"an answer where none is modelled: {body}"] if body else []
    return list(json_problems(operation.output_shape, body, operation.name))


def json_problems(shape, value, path):
    """What is wrong with a value of a JSON answer."""
    if value is None:
        yield f"{path}: null"
    elif shape.type_name == "structure":
        yield from _json_structure(shape, value, path)
    elif shape.type_name == "list":
        if not isinstance(value, list):
            yield f"{path}: {value!r} is no list"
            return
        for index, item in enumerate(value):
            yield from json_problems(shape.member, item, f"{path}[{index}]")
    elif shape.type_name == "map":
        if not isinstance(value, dict):
            yield f"{path}: {value!r} is no map"
            return
        for key, item in value.items():
            yield from json_problems(shape.key, key, f"{path} key {key!r}")
            yield from json_problems(shape.value, item, f"{path}[{key!r}]")
    else:
        yield from _json_scalar(shape, value, path)


def _json_structure(shape, value, path):
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is no structure"
        return
    for name, item in value.items():
        if name in shape.members:
            yield from json_problems(shape.members[name], item, f"{path}.{name}")
        else:
            yield f"{path}.{name}: no member of {shape.name}"
    for name in shape.required_members:
        if name not in value:
            yield f"{path}.{name}: required, and missing"


def _json_scalar(shape, value, path):
    kinds = {
        "boolean": bool,
        "integer": int,
        "long": int,
        "float": (int, float),
        "double": (int, float),
        "timestamp": (int, float),
    }
    is_number = not isinstance(value, bool)
    wanted = kinds.get(shape.type_name, str)
    if not isinstance(value, wanted) or (wanted is not bool and not is_number):
        yield f"{path}: {value!r} is no {shape.type_name}"
        return
    if shape.type_name == "blob":
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error:
            yield f"{path}: no Base64"
    if shape.type_name == "string":
        yield from _enumerated(shape, value, path)


def _enumerated(shape, value, path):
    if shape.enum and value not in shape.enum:
        yield f"{path}: {value!r} is none of {shape.enum}"


# XML


def _space(tag):
    space, _, name = tag.rpartition("}")
    return space.removeprefix("{"), name


def _without_spaces(root, wanted):
    """Takes the namespaces off; yields each that is another than wanted."""
    for element in root.iter():
        space, name = _space(element.tag)
        if wanted is not None and space != wanted:
            yield f"<{name}>: namespace {space!r}, not {wanted!r}"
        element.tag = name


def xml_problems(shape, element, path):
    """What is wrong with an element of an XML answer."""
    if shape.type_name == "structure":
        yield from _xml_structure(shape, element, path)
    elif shape.type_name == "list":
        wanted = shape.member.serialization.get("name", "member")
        for index, child in enumerate(element):
            if child.tag != wanted:
                yield f"{path}[{index}]: <{child.tag}>, not <{wanted}>"
            yield from xml_problems(shape.member, child, f"{path}[{index}]")
    elif shape.type_name == "map":
        yield f"{path}: maps in XML are not known to this judge"
    else:
        yield from _xml_scalar(shape, element, path)


def _xml_structure(shape, element, path):
    known = {}
    for name, member in shape.members.items():
        if member.serialization.get("location") is not None:
            continue
        flat = member.type_name == "list" and member.serialization.get("flattened")
        tag = member.serialization.get("name", name)
        if flat:
            tag = member.member.serialization.get("name", tag)
        known[tag] = (name, member.member if flat else member, flat)
    seen = set()
    for child in element:
        if child.tag not in known:
            yield f"{path}.{child.tag}: no member of {shape.name}"
            continue
        name, member, flat = known[child.tag]
        if name in seen and not flat:
            yield f"{path}.{name}: more than once"
        seen.add(name)
        yield from xml_problems(member, child, f"{path}.{name}")
    for name in shape.required_members:
        if name not in seen and name in {name for name, _, _ in known.values()}:
            yield f"{path}.{name}: required, and missing"


def _xml_scalar(shape, element, path):
    text = element.text or ""
    kind = shape.type_name
    if len(element):
        yield f"{path}: elements in what is a {kind}"
    elif kind in NUMBERS and not re.fullmatch(NUMBERS[kind], text):
        yield f"{path}: {text!r} is no {kind}"
    elif kind == "boolean" and text not in ("true", "false"):
        yield f"{path}: {text!r} is no boolean"
    elif kind == "timestamp" and not _is_moment(text):
        yield f"{path}: {text!r} is no timestamp"
    elif kind == "string":
        yield from _enumerated(shape, text, path)


def _is_moment(text):
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text):
        return False
    datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return True


def _query_answer(operation, _headers, response):
    root = ElementTree.fromstring(response["body"])
    metadata = operation.service_model.metadata
    found = list(_without_spaces(root, metadata.get("xmlNamespace")))
    if root.tag != f"{operation.name}Response":
        found.append(f"<{root.tag}>, not <{operation.name}Response>")
    shape = operation.output_shape
    wrapper = shape.serialization.get("resultWrapper") if shape is not None else None
    for child in root:
        if child.tag == "ResponseMetadata":
            found += [f"ResponseMetadata.{it.tag}" for it in child if it.tag != "RequestId"]
        elif child.tag == wrapper:
            found += xml_problems(shape, child, operation.name)
        else:
            found.append(f"<{child.tag}>: not in the answer's model")
    missing = {"ResponseMetadata", wrapper} - {None} - {child.tag for child in root}
    return found + [f"<{name}> is missing" for name in sorted(missing)]


def _ec2_answer(operation, _headers, response):
    root = ElementTree.fromstring(response["body"])
    version = operation.service_model.metadata["apiVersion"]
    found = list(_without_spaces(root, f"http://ec2.amazonaws.com/doc/{version}/"))
    if root.tag != f"{operation.name}Response":
        found.append(f"<{root.tag}>, not <{operation.name}Response>")
    ids = [child for child in root if child.tag == "requestId"]
    if len(ids) != 1:
        found.append("<requestId> is missing")
    for child in ids:
        root.remove(child)
    return found + list(xml_problems(operation.output_shape, root, operation.name))


def _rest_answer(operation, headers, response):
    shape = operation.output_shape
    members = shape.members.items() if shape is not None else ()
    found = list(_headers_problems(operation, dict(members), headers))
    payload = shape.serialization.get("payload") if shape is not None else None
    if payload is not None:
        return found
    in_body = [name for name, member in members if "location" not in member.serialization]
    if not in_body:
        return found + (["a body where none is modelled"] if response["body"] else [])
    root = ElementTree.fromstring(response["body"])
    found += _without_spaces(root, S3_XMLNS)
    wanted = S3_ROOTS.get(operation.name, f"{operation.name}Result")
    if root.tag != wanted:
        found.append(f"<{root.tag}>, not <{wanted}>")
    return found + list(xml_problems(shape, root, operation.name))


def _headers_problems(operation, members, headers):
    known = {
        member.serialization["name"].lower(): member
        for member in members.values()
        if member.serialization.get("location") == "header"
    }
    for name, value in headers.items():
        if name in known:
            shape = known[name]
            if shape.type_name in NUMBERS and not re.fullmatch(NUMBERS[shape.type_name], value):
                yield f"header {name}: {value!r} is no {shape.type_name}"
            if shape.type_name == "timestamp":
                parsedate_to_datetime(value)
            if shape.type_name == "string":
                yield from _enumerated(shape, value, f"header {name}")
        elif name not in COMMON_HEADERS:
            yield f"header {name}: not in the model of {operation.name}"


# Refusals


def modelled(operation, code):
    """The shape of an error that the operation's model has for this code, or None."""
    for shape in operation.error_shapes:
        if code in (shape.name, shape.metadata.get("error", {}).get("code")):
            return shape
    return None


def _status_problems(shape, response):
    status = shape.metadata.get("error", {}).get("httpStatusCode") if shape is not None else None
    if status is not None and status != response["status_code"]:
        yield f"HTTP {response['status_code']}, and {shape.name} has {status}"


def _json_failure(operation, _headers, response):
    body = json.loads(response["body"])
    code = body.pop("__type", None)
    if not isinstance(code, str) or not re.fullmatch(r"\w+", code):
        return [f"__type {code!r}"]
    text = body.get("message", body.get("Message"))
    found = [] if isinstance(text, str) and text else ["no message"]
    shape = modelled(operation, code)
    found += _status_problems(shape, response)
    if shape is None:
        return found + [f"{code}.{name}" for name in body if name.lower() != "message"]
    # Every error has a message; not every model says so.
    plain = {name: value for name, value in body.items() if name.lower() != "message"}
    return found + list(json_problems(shape, plain, code))


def _query_failure(operation, _headers, response):
    root = ElementTree.fromstring(response["body"])
    found = list(_without_spaces(root, operation.service_model.metadata.get("xmlNamespace")))
    if root.tag != "ErrorResponse":
        found.append(f"<{root.tag}>, not <ErrorResponse>")
    if [child.tag for child in root] != ["Error", "RequestId"]:
        return found + [f"<ErrorResponse> has {[child.tag for child in root]}"]
    code = root.findtext("Error/Code") or ""
    if root.findtext("Error/Type") not in ("Sender", "Receiver"):
        found.append(f"Type {root.findtext('Error/Type')!r}")
    return found + _error_element(operation, root[0], code, response, {"Type", "Detail"})


def _ec2_failure(operation, _headers, response):
    root = ElementTree.fromstring(response["body"])
    found = list(_without_spaces(root, None))
    if [root.tag, *(child.tag for child in root)] != ["Response", "Errors", "RequestID"]:
        return found + [f"<{root.tag}> has {[child.tag for child in root]}"]
    error = root.find("Errors/Error")
    return found + _error_element(operation, error, error.findtext("Code"), response, set())


def _rest_failure(operation, _headers, response):
    if not response["body"]:
        # HEAD and 304 have none.
        return []
    root = ElementTree.fromstring(response["body"])
    found = list(_without_spaces(root, ""))
    if root.tag != "Error":
        found.append(f"<{root.tag}>, not <Error>")
    known = {"RequestId", "HostId", "Resource", "Key", "BucketName", "Condition"}
    return found + _error_element(operation, root, root.findtext("Code") or "", response, known)


def _error_element(operation, element, code, response, known):
    shape = modelled(operation, code)
    members = set(shape.members) if shape is not None else set()
    allowed = {"Code", "Message"} | members | known
    found = [f"<{child.tag}> in an error" for child in element if child.tag not in allowed]
    found += [f"no {tag}" for tag in ("Code", "Message") if not element.findtext(tag)]
    return found + list(_status_problems(shape, response))


_answers = {
    "json": _json_answer,
    "query": _query_answer,
    "ec2": _ec2_answer,
    "rest-xml": _rest_answer,
}
_failures = {
    "json": _json_failure,
    "query": _query_failure,
    "ec2": _ec2_failure,
    "rest-xml": _rest_failure,
}


def method(operation):
    """What boto3 calls an operation."""
    return xform_name(operation)
