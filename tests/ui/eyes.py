"""What a screen reader sees of a program: its widgets by role and name, and where the keyboard is. For hands.py."""

import json
import time
import warnings

import gi

# The interfaces that newer versions offer instead are not there on Debian 12.
warnings.simplefilter("ignore", DeprecationWarning)
gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

PAUSE = 0.05
# Newer versions of GTK and AT-SPI name some roles anew.
SAME_ROLE = {"push button": "button", "text": "entry", "password text": "entry", "editbar": "entry", "check box": "switch",
             "radio menu item": "menu item", "check menu item": "menu item"}


def application(pid):
    desktop = Atspi.get_desktop(0)
    for index in range(desktop.get_child_count()):
        try:
            app = desktop.get_child_at_index(index)
            if app is not None and app.get_process_id() == pid:
                app.clear_cache()
                return app
        except GLib.Error:
            continue
    return None


def walk(node, path=(), rows=None):
    """Every visible node, with its ancestors' roles and names; of each list all rows, or the last so many."""
    try:
        # GTK 4.8 never says SHOWING, and VISIBLE holds for the other pages of a stack too. Those that were not shown yet have no size;
        # one that was shown before cannot be told, so stories wait for what is on one page only.
        if len(path) > 1 and not (node.get_state_set().contains(Atspi.StateType.VISIBLE) and has_size(node)):
            return
        yield node, path
        here = (role_of(node), node.get_name() or "")
        count = node.get_child_count()
    except GLib.Error:
        return
    first = max(0, count - rows) if rows and here[0] == "list" else 0
    for index in range(first, count):
        try:
            child = node.get_child_at_index(index)
        except GLib.Error:
            continue
        if child is not None:
            yield from walk(child, path + (here,), rows)


def has_size(node):
    component = node.get_component_iface()
    if component is None:
        return True
    box = component.get_extents(Atspi.CoordType.WINDOW)
    return box.width > 0 or box.height > 0


def role_of(node):
    name = node.get_role_name()
    return SAME_ROLE.get(name, name)


def text_in(node):
    try:
        text = node.get_text_iface()
        return Atspi.Text.get_text(text, 0, -1) if text else ""
    except (GLib.Error, AttributeError):
        return ""


def named(node, wanted):
    # A message dialog's buttons have their words twice: one label for the wide form, one for the narrow.
    return wanted is None or (node.get_name() or "") in (wanted, wanted + " " + wanted)


def editable(node):
    try:
        return node.get_editable_text_iface() is not None
    except GLib.Error:
        return False


def matches(node, path, command):
    role, name, contains = command.get("role"), command.get("name"), command.get("contains")
    if role == "entry":
        # The text inside an entry row is nameless on some versions: the row's name counts for it.
        return editable(node) and (name is None or name in [node.get_name()] + [above for _, above in path[-4:]])
    if role is not None and role_of(node) not in (role, "toggle " + role, "menu item" if role == "button" else role):
        return False
    if not named(node, name) or not (node.get_name() or "").startswith(command.get("starts", "")):
        return False
    if "inside" in command and ("frame", command["inside"]) not in path:
        return False
    if command["do"] in ("click", "act") and not node.get_state_set().contains(Atspi.StateType.SENSITIVE):
        return False
    return contains is None or contains in (node.get_name() or "") or contains in text_in(node)


def find(command):
    app = application(command["pid"])
    if app is None:
        return None
    # A dialog's windows come last: what is in front is found first.
    for node, path in reversed(list(walk(app))):
        try:
            if matches(node, path, command):
                return node
        except GLib.Error:
            continue
    return None


def wait(command):
    deadline = time.monotonic() + command.get("within", 20)
    while True:
        node = find(command)
        if node is not None:
            return node
        if time.monotonic() > deadline:
            raise LookupError("not there: %s\n%s" % (json.dumps(command), dump(command["pid"])))
        time.sleep(PAUSE)


def dump(pid):
    app = application(pid)
    if app is None:
        return "(no such program on the accessibility bus)"
    lines = []
    for node, path in walk(app):
        try:
            text = text_in(node)
            shown = node.get_name() or ""
            more = " = %r" % text if text and text != shown else ""
            lines.append("  " * len(path) + "%s %r%s" % (role_of(node), shown, more))
        except GLib.Error:
            continue
    return "\n".join(lines[:400])


def keyboard(pid):
    """What has the keyboard: role and name. What is nameless itself is known by what it stands in, or by what stands in it."""
    app = application(pid)
    for node, path in list(walk(app)) if app is not None else []:
        try:
            if not node.get_state_set().contains(Atspi.StateType.FOCUSED):
                continue
            names = [node.get_name()] + [above for _, above in reversed(path[-4:])]
            names += [inner.get_name() for inner, _ in walk(node)]
            return [role_of(node), next((name for name in names if name and not name.startswith(("Gtk", "Adw"))), "")]
        except GLib.Error:
            continue
    return None


def is_at(here, command):
    if here is None or command.get("role") not in (None, here[0]):
        return False
    name = command.get("name")
    return (name is None or here[1] in (name, name + " " + name)) and command.get("contains", "") in here[1]
