"""The schema of the native provider, from the one place that knows each field: `make docs`."""

from __future__ import annotations

import json
import tomllib
import types
from dataclasses import fields
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from provider.config import Settings
from provider.doors.names import camel, spoken
from provider.doors.native.configuration import PLACE
from provider.doors.native.server import SCHEMA
from provider.instance.events import Events
from provider.instance.inputs import Inputs, policy
from provider.resource import ElementInstance
from tools.reference import documented

Kind = dict[str, Any]

ROOT = Path(__file__).parents[1]
NAME = "cloud-elements"
RESOURCE = f"{NAME}:index:ElementInstance"
_DYNAMIC = f"pulumi-python:dynamic/{NAME}:ElementInstance"
_ANY: Kind = {"$ref": "pulumi.json#/Any"}
_TEXT: Kind = {"type": "string"}
_TEXTS: Kind = {"type": "array", "items": _TEXT}
_FLAG: Kind = {"type": "boolean"}
_MAP: Kind = {"type": "object", "additionalProperties": _ANY}
_WHOLE: Kind = {"type": "integer"}
_KINDS: dict[type, Kind] = {str: _TEXT, bool: _FLAG, int: _WHOLE, list: _TEXTS, dict: _MAP}
_NUMBERS = {bool: "boolean", int: "integer", float: "number", str: "string"}

_SECRET: Kind = {"secret": True}
_OUTPUTS: dict[str, Kind] = {
    "element_key": _TEXT,
    "name": _TEXT,
    "tags": _TEXTS,
    "configuration": _MAP | _SECRET,
    "instance_id": _TEXT,
    "element_token": _TEXT | _SECRET,
    "element_name": _TEXT,
    "valid": _FLAG,
    "disabled": _FLAG,
}
_MAY_BE_MISSING = ("tags", "valid")


def document() -> str:
    """Return the schema as it is checked in."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    settings = _settings()
    schema = {
        "name": NAME,
        "version": version,
        "displayName": "Cloud Elements",
        "description": (
            "Cloud Elements (SAP Open Connectors) element instances as infrastructure."
        ),
        "keywords": ["pulumi", NAME, "kind/native", "category/infrastructure"],
        "license": "Apache-2.0",
        "meta": {"moduleFormat": "(.*)"},
        "config": {"variables": settings},
        "provider": {
            "description": "Where the platform is, and who you are.",
            "inputProperties": settings,
        },
        "types": _types(),
        "resources": {RESOURCE: _resource()},
        "functions": _functions(),
        "language": _languages(),
    }
    return json.dumps(schema, indent=2) + "\n"


def _resource() -> Kind:
    texts = documented(ElementInstance) | {"delete_adopted": documented(Inputs)["delete_adopted"]}
    outputs = _OUTPUTS | {"delete_adopted": _FLAG}
    return {
        "description": "One authenticated connection to a customer's SaaS account.",
        "properties": {
            camel(name): kind | {"description": spoken(texts[name])}
            for name, kind in outputs.items()
        },
        "required": [camel(name) for name in _OUTPUTS if name not in _MAY_BE_MISSING],
        "inputProperties": _inputs(),
        "requiredInputs": ["elementKey"],
        "listInputs": {
            "description": "Which instances of the account are listed; all without any.",
            "properties": _LISTED,
        },
        # What states of the dynamic provider call it.
        "aliases": [{"type": _DYNAMIC}],
    }


def _inputs() -> Kind:
    texts = documented(Inputs)
    found = {}
    for name, field in Inputs.model_fields.items():
        if name == "markers":
            continue
        text = spoken(texts[name])
        if name == "name":
            text += " The resource's own name when not given."
        found[camel(name)] = _type(field.annotation) | {"description": text}
        # Of `configuration` the provider marks what is secret, leaf by leaf: all of it marked
        # here would hide the rest in every SDK.
        if policy(name).secret:
            found[camel(name)] |= _SECRET
        if policy(name).replaces:
            found[camel(name)]["replaceOnChanges"] = True
    return found


def _type(annotation: Any) -> Kind:
    if get_origin(annotation) in (Union, types.UnionType):
        (annotation,) = (one for one in get_args(annotation) if one is not type(None))
    while hasattr(annotation, "__metadata__"):
        annotation = annotation.__origin__
    if annotation is Events:
        return {"$ref": f"#/types/{_EVENTS}"}
    return dict(_KINDS[get_origin(annotation) or annotation])


def _settings() -> Kind:
    """Return the settings; without defaults, or SDKs would copy the environment into the state."""
    found = {
        camel(item.name): {
            "type": _NUMBERS[type(item.default)],
            "description": item.metadata["doc"],
            **(_SECRET if item.metadata["secret"] else {}),
        }
        for item in fields(Settings)
    }
    return found | {name: _TEXT | {"description": text} for name, text in PLACE.items()}


_LISTED: dict[str, Kind] = {
    "tag": _TEXT | {"description": "Only instances with this tag."},
    "elementKey": _TEXT | {"description": "Only instances of this element."},
}
_BRIEF = f"{NAME}:index:InstanceSummary"
_EVENTS = f"{NAME}:index:Events"
_ENTRY = f"{NAME}:index:ConfigurationEntry"


def _texts_of(**texts: str) -> Kind:
    return {name: _TEXT | {"description": text} for name, text in texts.items()}


def _types() -> Kind:
    return {
        _EVENTS: _events(),
        _BRIEF: {
            "type": "object",
            "description": "An element instance, without its secrets.",
            "properties": _summary(),
            "required": ["instanceId", "tags", "disabled"],
        },
        _ENTRY: {
            "type": "object",
            "description": "A configuration key of an element.",
            "properties": {
                **_texts_of(
                    key="The dotted key, such as `oauth.api.key`.",
                    name="Its readable name.",
                    description="What it is for.",
                    type="The platform's type of its value.",
                    default="Its value where none is given; not told of a secret.",
                ),
                "required": _FLAG | {"description": "Whether the platform asks for it."},
                "secret": _FLAG | {"description": "Whether its value is kept secret."},
            },
            "required": ["key", "name", "type", "required", "secret"],
        },
    }


def _events() -> Kind:
    texts = documented(Events)
    found = {}
    for name, field in Events.model_fields.items():
        secret = any(getattr(mark, "secret", False) for mark in field.metadata)
        kind = _type(field.annotation) | {"description": spoken(texts[name])}
        found[camel(name)] = kind | (_SECRET if secret else {})
    description = " ".join(str(Events.__doc__).split())
    return {"type": "object", "description": description, "properties": found}


def _summary() -> Kind:
    texts = documented(ElementInstance)
    names = ("instance_id", "element_key", "name", "tags", "valid", "disabled")
    return {camel(name): _OUTPUTS[name] | {"description": spoken(texts[name])} for name in names}


def _function(text: str, inputs: Kind, outputs: Kind, *may_be_missing: str) -> Kind:
    required = [name for name, kind in inputs.items() if not kind.get("optional")]
    plain = {
        name: {key: value for key, value in kind.items() if key != "optional"}
        for name, kind in inputs.items()
    }
    return {
        "description": text,
        "inputs": {"type": "object", "properties": plain, "required": required},
        "outputs": {
            "type": "object",
            "properties": outputs,
            "required": [name for name in outputs if name not in may_be_missing],
        },
    }


def _functions() -> Kind:
    optional = {"optional": True}
    texts = documented(ElementInstance)
    secret = {
        camel(name): _OUTPUTS[name] | {"description": spoken(texts[name])}
        for name in ("configuration", "element_token", "element_name")
    }
    found = {
        "getInstance": _function(
            "Returns an element instance of the account by its id.",
            _texts_of(id="Id of the instance."),
            _summary() | secret,
            "elementKey",
            "name",
            "valid",
            "elementToken",
            "elementName",
        ),
        "getInstances": _function(
            "Returns the element instances of the account, in the order of their ids.",
            {name: kind | optional for name, kind in _LISTED.items()},
            {
                "instances": {
                    "type": "array",
                    "items": {"$ref": f"#/types/{_BRIEF}"},
                    "description": "The instances.",
                }
            },
        ),
        "getElement": _function(
            "Returns what an element asks of its instances.",
            _texts_of(key="Element key, such as `onedrivebusiness`."),
            _texts_of(
                key="Element key.",
                name="Readable name of the element.",
                description="What it connects to.",
                hub="The hub that it belongs to.",
                authentication="How its instances authenticate, such as `oauth2`.",
            )
            | {
                "configuration": {
                    "type": "array",
                    "items": {"$ref": f"#/types/{_ENTRY}"},
                    "description": "What an instance may or must be given.",
                }
            },
            "description",
            "hub",
        ),
        "getOauthUrl": _function(
            "Returns where the owner of an account has to be sent to give consent. What comes back "
            "from there is the `code` of an element instance.",
            _texts_of(
                elementKey="Element key.",
                apiKey="Key of the application that is registered with the element's vendor.",
                callbackUrl="Where the vendor sends the code.",
                state="Comes back with the code; choose one that can't be guessed.",
            )
            | {"apiSecret": _TEXT | _SECRET | {"description": "Secret of that application."}}
            | {
                name: kind | optional
                for name, kind in _texts_of(
                    scope="What the application may do, in the vendor's words.",
                    siteAddress="Address of the vendor's site, where each customer has one.",
                ).items()
            }
            | {
                "extras": {
                    "type": "object",
                    "additionalProperties": _TEXT,
                    "description": (
                        "What else the element asks for, such as `subdomain`; no secrets, for "
                        "they stand in addresses."
                    ),
                }
                | optional
            },
            {"url": _TEXT | _SECRET | {"description": "The address of the consent page."}},
        ),
    }
    return {f"{NAME}:index:{name}": function for name, function in found.items()}


def _languages() -> Kind:
    shared = {"respectSchemaVersion": True}
    return {
        "python": shared
        | {"packageName": "pulumi_cloud_elements_native", "pyproject": {"enabled": True}},
        "nodejs": shared | {"packageName": "pulumi-cloud-elements"},
        "go": shared
        | {
            "importBasePath": "example.com/pulumi-cloud-elements/sdk/go/cloudelements",
            "rootPackageName": "cloudelements",
        },
        "csharp": shared | {"rootNamespace": "CloudElements"},
    }


if __name__ == "__main__":
    SCHEMA.write_text(document(), encoding="utf-8")
