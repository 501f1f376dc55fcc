"""boto3 drives the local cloud: every operation that it serves, its refusals too.

What is called is in cases, a line for each call. Every raw answer is held against
the service's model before anything else is looked at.
"""

import datetime
import re

import boto3
import jmespath
from botocore.config import Config
from botocore.exceptions import ClientError

import models
from cases import CASES, SERVICES
from checks import Wrong, ensure, eventually

CONFIG = Config(
    retries={"total_max_attempts": 1},
    connect_timeout=10,
    read_timeout=20,
    s3={"addressing_style": "path"},
)

COMMON = {"s3": {"NoSuchBucket", "NoSuchKey"}}
"""Errors that a service has exceptions for, and that are not in every operation's model
although its documentation has them."""


class Clients:
    """Clients of one endpoint, and the raw answer of the latest call."""

    def __init__(self, exports):
        self._exports = exports
        self._made = {}
        self.answers = []

    def of(self, service, signed="well"):
        """The client of a service, signing as told: well, or with something wrong."""
        made = self._made.get((service, signed))
        if made is None:
            made = self._made[service, signed] = self._make(service, signed)
        return made

    def _make(self, service, signed):
        key, secret = (
            self._exports[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        )
        client = boto3.client(
            service,
            endpoint_url=self._exports["AWS_ENDPOINT_URL"],
            region_name=self._exports["AWS_REGION"],
            aws_access_key_id="AKIAUNKNOWNUNKNOWNXX" if signed == "by a stranger" else key,
            aws_secret_access_key="wrong" if signed == "with a wrong secret" else secret,
            config=CONFIG,
        )

        def keep(response_dict=None, **_):
            if response_dict is not None:
                self.answers.append(response_dict)

        client.meta.events.register("response-received", keep)
        return client

    def call(self, service, operation, parameters, signed="well"):
        """Makes a call; its raw answer fits the model, or this is Wrong."""
        client = self.of(service, signed)
        self.answers.clear()
        model = client.meta.service_model.operation_model(operation)
        try:
            return getattr(client, models.method(operation))(**parameters)
        finally:
            ensure(len(self.answers) == 1, f"{len(self.answers)} answers to one call")
            found = models.problems(model, self.answers[0])
            ensure(not found, f"{operation} does not fit its model: {'; '.join(found)}")


def filled(template, facts):
    """The parameters with `$name` replaced by what is known under that name."""
    if isinstance(template, dict):
        return {name: filled(value, facts) for name, value in template.items()}
    if isinstance(template, list):
        return [filled(value, facts) for value in template]
    if isinstance(template, str) and template.startswith("$"):
        return facts[template[1:]]
    return template


def perform(clients, case, facts):
    """Makes one case's call, again and again where it waits for something."""
    parameters = filled(case.parameters, facts)
    if case.fails is not None:
        refused(clients, case, parameters, filled(case.says, facts))
        return
    wrong = []

    def agreed():
        answer = clients.call(case.service, case.operation, parameters, case.signed)
        wrong[:] = disagreements(answer, filled(case.says, facts))
        return None if wrong and case.waits else answer

    try:
        answer = eventually("as the case says", agreed, every=0.1)
    except Wrong as late:
        raise Wrong(f"{late}: {'; '.join(wrong)}") from late
    ensure(not wrong, "; ".join(wrong))
    for name, path in case.keeps.items():
        facts[name] = jmespath.search(path, answer)
        ensure(facts[name] is not None, f"nothing at {path}")


def disagreements(answer, says):
    """Where an answer is not as told; a streaming body is read first."""
    if hasattr(answer.get("Body"), "read"):
        answer = answer | {"Body": answer["Body"].read().decode()}
    wrong = []
    for path, expected in says.items():
        found = jmespath.search(path, answer)
        held = expected(found) if callable(expected) else found == expected
        if not held:
            wrong.append(
                f"{path} is {found!r}" + ("" if callable(expected) else f", not {expected!r}")
            )
    return wrong


def refused(clients, case, parameters, says):
    """The call fails with this very code, as the exception that its model has for it."""
    try:
        clients.call(case.service, case.operation, parameters, case.signed)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        ensure(code == case.fails, f"{code}, not {case.fails}: {error}")
        ensure(case.because in str(error), f"{case.because!r} is not in {error}")
        client = clients.of(case.service)
        model = client.meta.service_model.operation_model(case.operation)
        shape = models.modelled(model, code)
        modelled = shape is not None or code in COMMON.get(case.service, ())
        ensure(modelled == case.modelled, f"{code} modelled for {case.operation}: {modelled}")
        if modelled:
            ensure(isinstance(error, client.exceptions.from_code(code)), f"{type(error)}")
        wrong = disagreements(error.response, says)
        ensure(not wrong, "; ".join(wrong))
        return
    raise Wrong(f"answered, where {case.fails} was to come")


def moment(**offset):
    """A moment so far from now, in whole seconds as Auto Scaling has them."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    return now + datetime.timedelta(**offset)


def served(sources):
    """The operations that the local cloud's wire names in its match arms, each with the
    services that have one of this name."""
    named = set()
    for file in sorted((sources / "local" / "wire").rglob("*.rs")):
        named |= set(re.findall(r'^\s*"([A-Z]\w+)"\s*=>', file.read_text(), re.MULTILINE))
        # S3's operations have no name on the wire; rest.rs gives them theirs.
        named |= set(re.findall(r'=> "([A-Z]\w+)"', file.read_text()))
    session = boto3.Session(region_name="us-east-1")
    found = {}
    for service in SERVICES:
        known = session.client(service).meta.service_model.operation_names
        for operation in named & set(known):
            found.setdefault(operation, set()).add((service, operation))
    return found


def judge(report, sources, exports):
    """All cases in order; then whether any operation was left out."""
    clients = Clients(exports)
    nobody = f"task/{exports['LOADTOP_CLUSTER']}/{'0' * 32}"
    facts = {
        "cluster": exports["LOADTOP_CLUSTER"],
        "group": exports["LOADTOP_GROUP"],
        "bucket": exports["LOADTOP_BUCKET"],
        "many": [f"{number:032}" for number in range(101)],
        "later": moment(minutes=10),
        "earlier": moment(minutes=-10),
        "nobody": f"arn:aws:ecs:us-east-1:000000000000:{nobody}",
    }
    for case in CASES:
        with report.check(f"boto3 {case}"):
            perform(clients, case, facts)
    with report.check("boto3 calls every operation that the local cloud serves"):
        called = {(case.service, case.operation) for case in CASES}
        of_wire = served(sources)
        ensure(len(of_wire) >= 20, f"only {sorted(of_wire)} were found")
        missing = sorted(name for name, services in of_wire.items() if not services & called)
        ensure(not missing, f"not in cases: {missing}")
        happy = {(it.service, it.operation) for it in CASES if it.fails is None}
        missing = sorted(called - happy)
        ensure(not missing, f"only their refusals are in cases: {missing}")
