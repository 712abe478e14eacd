"""Templates and words of one package's pages, checked against each other at start."""

import hashlib
from collections.abc import Iterable, Mapping
from importlib import resources

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, nodes

from runtime.web.text import Language, TextError, Words, load_words

SHARED = "runtime.web"


class Pages:
    """Renders the templates of `package` (and the shared ones) in every language.

    `keys` are the words that code asks for; those in templates are found. Raises `TextError` when
    one of them is missing.
    """

    def __init__(self, package: str, keys: Iterable[str]) -> None:
        self._loader = ChoiceLoader([PackageLoader(package), PackageLoader(SHARED)])
        self._environment = Environment(
            loader=self._loader,
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.keys = self._keys_in_templates() | set(keys)
        self.words = load_words((SHARED, package), required=self.keys)
        self.build = self._digest(package)

    def render(self, template: str, words: Words, context: Mapping[str, object]) -> str:
        """One template in one language; `t` is the words."""
        return self._environment.get_template(template).render(context, t=words)

    def _keys_in_templates(self) -> set[str]:
        keys = set()
        for name in self._environment.list_templates():
            for call in self._parse(name).find_all(nodes.Call):
                if isinstance(call.node, nodes.Name) and call.node.name == "t":
                    keys.add(_literal(name, call))
        return keys

    def _parse(self, name: str) -> nodes.Template:
        return self._environment.parse(self._source(name), name)

    def _source(self, name: str) -> str:
        return self._loader.get_source(self._environment, name)[0]

    def _digest(self, package: str) -> str:
        """Changes with anything a browser may have kept, so that an upgrade reloads the page."""
        digest = hashlib.sha256()
        for name in self._environment.list_templates():
            digest.update(self._source(name).encode())
        own = resources.files(package)
        folders = (resources.files(SHARED) / "static", own / "static", own / "text")
        files = [file for folder in folders if folder.is_dir() for file in folder.iterdir()]
        for file in sorted(files, key=lambda file: file.name):
            digest.update(file.read_bytes())
        return digest.hexdigest()[:12]


def _literal(template: str, call: nodes.Call) -> str:
    key = call.args[0] if call.args else None
    if not isinstance(key, nodes.Const) or not isinstance(key.value, str):
        raise TextError(f"{template}:{call.lineno}: a key is a literal string")
    return key.value


def language_named(name: str | None) -> Language | None:
    """The language with this tag, or `None`."""
    return next((language for language in Language if language.value == name), None)
