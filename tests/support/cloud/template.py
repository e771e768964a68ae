"""A synthesised stack as CloudFormation reads it: references become names, and a reference to a secret its value.

Only the parts of CloudFormation that the stacks use are supported. Anything else raises `NotEmulated`, so that a new part of
the stacks is not ignored silently.
"""

import copy
import json
import re
import secrets
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Self

Resource = dict[str, Any]

ACCOUNT = "123456789012"
_DYNAMIC = re.compile(r"\{\{resolve:secretsmanager:(arn:[^{}]*?):SecretString:::\}\}")
_VARIABLE = re.compile(r"\$\{([^}]+)\}")


class NotEmulated(Exception):
    """Raised if the template contains a feature that is not emulated; the message names it."""


@dataclass
class Template:
    """One stack.

    Attributes:
        folder: of the synthesis, which holds the assets.
        name: of the stack.
        region: where it would be.
        resources: by logical id, as synthesised.
        secrets: value of each secret, made when it is first read. Copies share them, so that a function that was started
            for one template also answers for the changed one.
        outputs: that other stacks may read, by name, as synthesised.
    """

    folder: Path
    name: str
    region: str
    resources: dict[str, Resource]
    secrets: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, name: str = "Lesion") -> Self:
        """Return the stack `name` of the synthesis in `folder`."""
        manifest = json.loads((folder / "manifest.json").read_text())
        region = manifest["artifacts"][name]["environment"].rsplit("/", 1)[1]
        content = json.loads((folder / f"{name}.template.json").read_text())
        return cls(folder, name, region, content["Resources"], outputs=content.get("Outputs", {}))

    def copy(self) -> "Template":
        """Return a copy that can be modified."""
        return Template(self.folder, self.name, self.region, copy.deepcopy(self.resources), self.secrets, self.outputs)

    def named(self, kind: str) -> dict[str, Resource]:
        """Return the unresolved properties of all resources of a type, by physical name."""
        matching = {key: item for key, item in self.resources.items() if item["Type"] == kind}
        return {self.resolve({"Ref": key}): item.get("Properties", {}) for key, item in matching.items()}

    def only(self, kind: str) -> Resource:
        """Return the unresolved properties of the only resource of a type.

        Raises:
            NotEmulated: there is none, or more than one.
        """
        matching = list(self.named(kind).values())
        if len(matching) != 1:
            raise NotEmulated(f"There are {len(matching)} resources of type {kind}, not one.")
        return matching[0]

    def function(self) -> Resource:
        """Return the unresolved properties of the function behind the alias."""
        name = self.only("AWS::Lambda::Alias")["FunctionName"]["Ref"]
        properties: Resource = self.resources[name]["Properties"]
        return properties

    def assets(self) -> dict[str, Path]:
        """Return the folder or file of each file asset, by its object key."""
        listed = json.loads((self.folder / f"{self.name}.assets.json").read_text())["files"].values()
        return {
            place["objectKey"]: self.folder / asset["source"]["path"]
            for asset in listed
            for place in asset["destinations"].values()
        }

    def resolve(self, value: Any) -> Any:
        """Return `value` with all references resolved.

        Raises:
            NotEmulated: a function or a reference that is not known here.
        """
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if isinstance(value, str):
            return _DYNAMIC.sub(lambda found: self._secret(found[1]), value)
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, argument), *_ = value.items()
            if name == "Ref":
                return self._ref(argument)
            if name == "Fn::GetAtt":
                return self._attribute(*argument)
            if name == "Fn::Join":
                # The joined text may be a dynamic reference although its parts are not.
                return self.resolve(argument[0].join(self.resolve(argument[1])))
            if name == "Fn::Sub" and isinstance(argument, str):
                return self.resolve(_VARIABLE.sub(lambda found: self._ref(found[1]), argument))
            if name == "Fn::GetStackOutput":
                return self._output(argument)
            if name.startswith("Fn::"):
                raise NotEmulated(f"{name} in the template")
        return {name: self.resolve(item) for name, item in value.items()}

    def _ref(self, name: str) -> str:
        pseudo = {
            "AWS::AccountId": ACCOUNT,
            "AWS::Partition": "aws",
            "AWS::Region": self.region,
            "AWS::StackName": self.name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        if name in pseudo:
            return pseudo[name]
        if name not in self.resources:
            raise NotEmulated(f"{name} is referred to, and not in the template.")
        kind = self.resources[name]["Type"]
        if kind == "AWS::SecretsManager::Secret":
            return f"arn:aws:secretsmanager:{self.region}:{ACCOUNT}:secret:{name}"
        if kind == "AWS::SNS::Topic":
            return f"arn:aws:sns:{self.region}:{ACCOUNT}:{name}"
        if kind == "AWS::StepFunctions::StateMachine":
            return f"arn:aws:states:{self.region}:{ACCOUNT}:stateMachine:{name.lower()}"
        if kind == "AWS::Lambda::Alias":
            properties = self.resources[name]["Properties"]
            function = self.resolve(properties["FunctionName"])
            return f"arn:aws:lambda:{self.region}:{ACCOUNT}:function:{function}:{properties['Name']}"
        # Names of buckets and hosts are lower case.
        return name.lower()

    def _attribute(self, name: str, attribute: str) -> str:
        own, kind = self._ref(name), self.resources[name]["Type"]
        if (kind, attribute) == ("AWS::S3::Bucket", "RegionalDomainName"):
            return f"{own}.s3.{self.region}.amazonaws.com"
        if (kind, attribute) == ("AWS::S3::Bucket", "Arn"):
            return f"arn:aws:s3:::{own}"
        if (kind, attribute) == ("AWS::CloudFront::OriginAccessControl", "Id"):
            return own
        if (kind, attribute) == ("AWS::StepFunctions::StateMachine", "Name"):
            return own.rpartition(":")[2]
        if own.startswith("arn:") and attribute == "Arn":
            return own
        if attribute in ("Arn", "FunctionARN"):
            return f"arn:aws:{kind.split('::')[1].lower()}:{self.region}:{ACCOUNT}:{own}"
        raise NotEmulated(f"{attribute} of {name} ({kind})")

    def _output(self, place: Mapping[str, str]) -> Any:
        """Return the value of an output of another stack of the same synthesis."""
        know(place, "A reference to an output", ("StackName", "Region", "OutputName"))
        other = _read_again(self.folder, place["StackName"])
        if other.region != place["Region"] or place["OutputName"] not in other.outputs:
            raise NotEmulated(f"The output {place['OutputName']} of {place['StackName']} in {place['Region']}")
        return other.resolve(other.outputs[place["OutputName"]]["Value"])

    def _secret(self, arn: str) -> str:
        made = self.named("AWS::SecretsManager::Secret")
        if arn not in made:
            raise NotEmulated(f"The secret {arn} is read, and not in the template.")
        how = made[arn]["GenerateSecretString"]
        letters = string.ascii_letters + string.digits + ("" if how.get("ExcludePunctuation") else "!#$%&*+-.:=?@_~")
        return self.secrets.setdefault(arn, "".join(secrets.choice(letters) for _ in range(how["PasswordLength"])))


@cache
def _read_again(folder: Path, name: str) -> Template:
    """Return a stack that another one refers to, as synthesised; it must not be modified."""
    return Template.read(folder, name)


def know(config: Mapping[str, Any], what: str, *known: Iterable[str]) -> None:
    """Check that a part of the template contains only properties that are emulated or irrelevant.

    Raises:
        NotEmulated: there is.
    """
    unknown = sorted(set(config) - {name for names in known for name in names})
    if unknown:
        raise NotEmulated(f"{what} has {', '.join(unknown)}, which is not emulated.")
