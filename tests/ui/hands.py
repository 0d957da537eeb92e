"""Eyes and hands for the window tests: reads one JSON command a line, answers one JSON line. Sees through eyes.py, acts through AT-SPI, as a
screen reader does, and through xdotool where a person would use mouse or keys. Started by src/window.rs, which has the stories."""

import json
import subprocess
import sys
import time

from eyes import PAUSE, Atspi, GLib, application, dump, find, is_at, keyboard, role_of, text_in, wait, walk

PRESSES = ("click", "activate", "press", "toggle")


def xdotool(*words, must=True):
    """Mouse and keys. The last word is a question that the display answers behind them: of a program that ends before it may forget some."""
    subprocess.run(["xdotool", *words, "getmouselocation"], check=must, stdout=subprocess.DEVNULL)


def windows_of(pid):
    """Those that take keys, the newest last: no menus and no lists that hang above another window."""
    found = subprocess.run(["xdotool", "search", "--onlyvisible", "--pid", str(pid)], capture_output=True, text=True)
    windows = found.stdout.split()
    return windows if len(windows) < 2 else [window for window in windows if not hangs(window)]


def hangs(window):
    told = subprocess.run(["xwininfo", "-id", window], capture_output=True, text=True)
    return "Override Redirect State: yes" in told.stdout


def point(node):
    """Middle of a node, on the screen: its place in the window plus the window's place."""
    box = node.get_component_iface().get_extents(Atspi.CoordType.WINDOW)
    return box.x + box.width // 2, box.y + box.height // 2


def press(node, command):
    """By the node's own action where it has one, else as a person would."""
    # A menu button's action is on the toggle button inside it. Labels have actions too (copy, select all), which press nothing.
    for candidate, _ in walk(node):
        try:
            action = candidate.get_action_iface()
            count = action.get_n_actions() if action is not None else 0
            for index in range(count):
                if Atspi.Action.get_action_name(action, index) in PRESSES:
                    Atspi.Action.do_action(action, index)
                    return
        except GLib.Error:
            continue
    x, y = point(node)
    window = windows_of(command["pid"])[-1]
    xdotool("windowfocus", "--sync", window, must=False)
    xdotool("mousemove", "--window", window, str(x), str(y), "click", "1")


def do_act(command):
    """By an action that the program tells of, with neither mouse nor keys: the one that is named, else that which presses it."""
    node = wait(command)
    wanted = (command["action"],) if "action" in command else PRESSES
    for candidate, _ in walk(node):
        action = candidate.get_action_iface()
        for index in range(action.get_n_actions() if action is not None else 0):
            if Atspi.Action.get_action_name(action, index) in wanted:
                Atspi.Action.do_action(action, index)
                return
    raise LookupError("nothing can be done with it: %s" % json.dumps(command))


def do_click(command):
    press(wait(command), command)


def do_wait(command):
    node = wait(command)
    on = node.get_state_set().contains(Atspi.StateType.CHECKED)
    return {"name": node.get_name() or "", "text": text_in(node), "on": on}


def do_gone(command):
    deadline = time.monotonic() + command.get("within", 20)
    while find(command) is not None:
        if time.monotonic() > deadline:
            raise LookupError("still there: %s\n%s" % (json.dumps(command), dump(command["pid"])))
        time.sleep(PAUSE)


def do_fill(command):
    node = wait(command)
    iface = node.get_editable_text_iface()
    Atspi.EditableText.set_text_contents(iface, command["text"])


def do_type(command):
    """Real key presses into an entry: click into it, then type."""
    node = wait(command)
    x, y = point(node)
    window = windows_of(command["pid"])[-1]
    xdotool("windowfocus", "--sync", window, must=False)
    xdotool("mousemove", "--window", window, str(x), str(y), "click", "1")
    xdotool("type", "--args", "1", "--delay", "5", command["text"])


def do_hover(command):
    """The pointer over a text."""
    x, y = point(wait(command))
    window = windows_of(command["pid"])[-1]
    for step in (2, 0):
        xdotool("mousemove", "--window", window, str(x + step), str(y))


def do_drag(command):
    """The left button of the mouse, from one place on the screen to another."""
    window = windows_of(command["pid"])[-1]
    xdotool("windowfocus", "--sync", window, must=False)
    (x, y), (to_x, to_y), steps = command["from"], command["to"], 12
    xdotool("mousemove", "--sync", str(x), str(y), "mousedown", "1")
    for step in range(1, steps + 1):
        along = x + (to_x - x) * step // steps, y + (to_y - y) * step // steps
        xdotool("mousemove", "--sync", *map(str, along))
        # As a hand does: the other side of the drag answers each move.
        time.sleep(PAUSE)
    xdotool("mouseup", "1")


def do_menu(command):
    """The right button of the mouse, on a text."""
    x, y = point(wait(command))
    window = windows_of(command["pid"])[-1]
    xdotool("windowfocus", "--sync", window, must=False)
    xdotool("mousemove", "--window", window, str(x), str(y), "click", "3")


def do_key(command):
    window = windows_of(command["pid"])[-1]
    xdotool("windowfocus", "--sync", window, must=False)
    xdotool("key", "--delay", "20", command["key"])


def do_place(command):
    """Moves and sizes a program's main window; there is no window manager."""
    deadline = time.monotonic() + command.get("within", 20)
    while not windows_of(command["pid"]):
        if time.monotonic() > deadline:
            raise LookupError("no window of %s" % command["pid"])
        time.sleep(PAUSE)
    window = windows_of(command["pid"])[-1]
    xdotool("windowmove", window, str(command["x"]), str(command["y"]))
    if "width" in command:
        xdotool("windowsize", window, str(command["width"]), str(command["height"]))


def do_choose(command):
    """Answers a file chooser: typing a slash opens its entry for a path."""
    before = command.get("over", 1)
    deadline = time.monotonic() + command.get("within", 20)
    while len(windows_of(command["pid"])) <= before:
        if time.monotonic() > deadline:
            raise LookupError("no file chooser\n%s" % dump(command["pid"]))
        time.sleep(PAUSE)
    window = windows_of(command["pid"])[-1]
    xdotool("windowfocus", "--sync", window, must=False)
    xdotool("key", "--delay", "50", "ctrl+l")
    xdotool("type", "--args", "1", "--delay", "5", command["path"])
    # The first Return may only end the completion of the path.
    while window in windows_of(command["pid"]):
        if time.monotonic() > deadline:
            raise LookupError("the file chooser stays\n%s" % dump(command["pid"]))
        xdotool("key", "--window", window, "Return", must=False)
        time.sleep(10 * PAUSE)


# A program with a picture or a text in its clipboard, which it must stay open for.
COPIER = """
import sys
import gi
gi.require_version("Gtk", "4.0")
from gi.repository import Gdk, GLib, GObject, Gtk
Gtk.init()
if sys.argv[1] == "picture":
    copied = GObject.Value(Gdk.Texture, Gdk.Texture.new_from_filename(sys.argv[2]))
else:
    copied = GObject.Value(str, open(sys.argv[2], encoding="utf-8").read())
content = Gdk.ContentProvider.new_for_value(copied)
Gdk.Display.get_default().get_clipboard().set_content(content)
print("ready", flush=True)
GLib.MainLoop().run()
"""


def do_copy(command):
    """Puts a picture or a text into the clipboard, as another program would. It ends with this one, whose group it is in."""
    arguments = [sys.executable, "-c", COPIER, command["kind"], command["path"]]
    other = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    if other.stdout.readline().strip() != "ready":
        raise LookupError("nothing was copied")


# A program with nothing but a file to drag away, and what became of it.
CARRIER = """
import sys
import gi
gi.require_version("Gdk", "4.0")
gi.require_version("Gtk", "4.0")
from gi.repository import Gdk, Gio, GLib, Gtk
Gtk.init()
window = Gtk.Window(title="files", default_width=80, default_height=80, decorated=False)
uris = Gio.File.new_for_path(sys.argv[1]).get_uri() + "\\r\\n"
provided = [("text/uri-list", uris), ("text/plain;charset=utf-8", sys.argv[1])]
content = Gdk.ContentProvider.new_union([Gdk.ContentProvider.new_for_bytes(kind, GLib.Bytes.new(text.encode())) for kind, text in provided])
source = Gtk.DragSource(content=content, actions=Gdk.DragAction.COPY)
became = []
source.connect("drag-begin", lambda *_: became.clear())
source.connect("drag-cancel", lambda *_: became.append("refused"))
source.connect("drag-end", lambda *_: print((became + ["taken"])[0], flush=True))
window.add_controller(source)
window.present()
GLib.timeout_add(50, lambda: print("ready", flush=True) if window.get_mapped() else True)
GLib.MainLoop().run()
"""
# The one that is being dragged from; it ends with this program, whose group it is in.
CARRIERS = []


def do_carry(command):
    """Drags a file out of another program over something, and holds it there."""
    x, y = point(wait(command))
    target = windows_of(command["pid"])[-1]
    other = subprocess.Popen([sys.executable, "-c", CARRIER, command["path"]], stdout=subprocess.PIPE, text=True)
    if other.stdout.readline().strip() != "ready":
        raise LookupError("there is nothing to carry")
    CARRIERS.append(other)
    source = windows_of(other.pid)[-1]
    subprocess.run(["xdotool", "windowmove", "--sync", source, str(command["from"]), "0"], check=False)
    subprocess.run(["xdotool", "mousemove", "--sync", "--window", source, "40", "40", "mousedown", "1"], check=True)
    # As a hand does: the other side of the drag answers each move.
    for far in (10, 20, 30):
        subprocess.run(["xdotool", "mousemove", "--sync", "--window", source, str(40 + far), "40"], check=True)
        time.sleep(PAUSE)
    for far in (30, 20, 10, 0):
        subprocess.run(["xdotool", "mousemove", "--sync", "--window", target, str(x + far), str(y)], check=True)
        time.sleep(PAUSE)


def do_let_go(command):
    """Lets go of it; answers whether it was taken."""
    subprocess.run(["xdotool", "mouseup", "1"], check=True)
    other = CARRIERS.pop()
    became = other.stdout.readline().strip()
    other.terminate()
    other.wait()
    return {"taken": became == "taken"}


CONTROLS = ("button", "toggle button", "switch", "entry", "menu item", "page tab", "combo box")
# Lines that were found before: looking through a whole window takes its time.
FOUND = {}


def do_line(command):
    """Waits until the button whose name starts so has this in its name."""
    deadline = time.monotonic() + command.get("within", 20)
    key = (command["pid"], command["starts"])
    while True:
        node = FOUND.get(key)
        try:
            if node is not None:
                node.clear_cache()
                name = node.get_name() or ""
                if name.startswith(command["starts"]) and command["has"].replace("\u200b", "") in name.replace("\u200b", ""):
                    return {"name": name}
                if not name.startswith(command["starts"]):
                    FOUND.pop(key)
        except GLib.Error:
            FOUND.pop(key)
        if key not in FOUND:
            found = find({"do": "wait", "pid": command["pid"], "role": "button", "starts": command["starts"]})
            if found is not None:
                FOUND[key] = found
        if time.monotonic() > deadline:
            raise LookupError("not there: %s\n%s" % (json.dumps(command), name if FOUND.get(key) else dump(command["pid"])))
        time.sleep(PAUSE)


def do_texts(command):
    """Everything that is shown: role, name and text of each node."""
    shown = []
    for node, _ in walk(application(command["pid"]), rows=command.get("rows")):
        try:
            shown.append([role_of(node), node.get_name() or "", text_in(node)])
        except GLib.Error:
            continue
    return {"texts": shown}


def to_front(command):
    """As a window manager does, which there is none of: the newest window takes the keys."""
    window = windows_of(command["pid"])[-1]
    xdotool("windowfocus", "--sync", window, must=False)


def do_focused(command):
    """Waits until what has the keyboard is of that role and name."""
    deadline = time.monotonic() + command.get("within", 20)
    while not is_at(here := keyboard(command["pid"]), command):
        # A window may have closed meanwhile.
        to_front(command)
        if time.monotonic() > deadline:
            raise LookupError("the keyboard is at %s, not at %s\n%s" % (here, json.dumps(command), dump(command["pid"])))
        time.sleep(PAUSE)


def do_reach(command):
    """Presses a key again and again until the keyboard is at what is wanted; answers where it was on the way."""
    way = []
    to_front(command)
    while not is_at(here := keyboard(command["pid"]), command):
        way.append(here)
        if len(way) > command.get("most", 20):
            raise LookupError("%s did not lead to %s, but to %s\n%s" % (command["key"], json.dumps(command), way, dump(command["pid"])))
        xdotool("key", command["key"])
        deadline = time.monotonic() + 20 * PAUSE
        while keyboard(command["pid"]) == here and time.monotonic() < deadline:
            time.sleep(PAUSE)
    return {"way": way}


def do_write(command):
    """Real key presses into whatever has the keyboard; the mouse stays where it is."""
    to_front(command)
    xdotool("type", "--args", "1", "--delay", "5", command["text"])


def do_in_view(command):
    """Waits until all of what is found lies within the widget of that class that it stands in."""
    deadline = time.monotonic() + command.get("within", 20)
    while True:
        node = wait(command)
        around = node
        while around is not None and not (around.get_name() or "").startswith(command["class"]):
            around = around.get_parent()
        if around is None:
            raise LookupError("it stands in no %s: %s" % (command["class"], json.dumps(command)))
        inner, outer = (one.get_component_iface().get_extents(Atspi.CoordType.WINDOW) for one in (node, around))
        if outer.x <= inner.x and inner.x + inner.width <= outer.x + outer.width:
            return
        if time.monotonic() > deadline:
            raise LookupError("%d to %d of %d to %d" % (inner.x, inner.x + inner.width, outer.x, outer.x + outer.width))
        time.sleep(PAUSE)


def do_windows(command):
    return {"windows": len(windows_of(command["pid"]))}


# A program whose only window has the keyboard, which it must stay open for.
OTHER = """
import gi
gi.require_version("Gtk", "4.0")
from gi.repository import GLib, Gtk
Gtk.init()
window = Gtk.Window(title="another program", default_width=40, default_height=40)
window.present()
GLib.timeout_add(50, lambda: print("ready", flush=True) if window.is_active() else True)
GLib.MainLoop().run()
"""


def do_unfocus(command):
    """Another program has the keyboard from now on. It ends with this one, whose group it is in."""
    other = subprocess.Popen([sys.executable, "-c", OTHER], stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + command.get("within", 20)
    while not windows_of(other.pid):
        if time.monotonic() > deadline:
            raise LookupError("no other window")
        time.sleep(PAUSE)
    xdotool("windowmove", windows_of(other.pid)[-1], "1200", "0", "windowfocus", "--sync", windows_of(other.pid)[-1], must=False)
    if other.stdout.readline().strip() != "ready":
        raise LookupError("the keyboard stayed")


def do_beyond(command):
    """Asks a program for a window that it has not, as a screen reader does that counted before one closed."""
    app = application(command["pid"])
    app.clear_cache()
    Atspi.Accessible.get_child_at_index(app, app.get_child_count() + 1)
    if application(command["pid"]) is None:
        raise LookupError("it is gone")


def do_tree(command):
    return {"tree": dump(command["pid"])}


def takes_keyboard(row):
    """A row of a list passes it on to a button in it."""
    can = row.get_state_set().contains(Atspi.StateType.FOCUSABLE)
    return can and not any(role_of(inner) == "button" for inner, _ in walk(row))


def do_nameless(command):
    """Buttons and entries that a screen reader has no name for; GTK then names them after their class."""
    bad = []
    for node, path in walk(application(command["pid"])):
        try:
            name, kind = node.get_name() or "", role_of(node)
            # The library's own: the small buttons inside an entry row or menu button, the lines of a choice, the crosses of tabs and toasts.
            above = path[-4:]
            own = any(role in ("entry", "button", "toggle button", "combo box") or part.startswith(("AdwTab", "AdwToast")) for role, part in above)
            counts = kind in CONTROLS or kind == "list item" and takes_keyboard(node)
            if counts and not own:
                if not name or name.startswith(("Gtk", "Adw")):
                    bad.append("%s %r in %s" % (kind, name, " / ".join(part for _, part in path if part)))
        except GLib.Error:
            continue
    return {"nameless": bad}


def main():
    verbs = {name[3:]: verb for name, verb in globals().items() if name.startswith("do_")}
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = verbs[command["do"]](command) or {}
            answer["ok"] = True
        except Exception as error:  # whatever it is, the test that asked should say it
            answer = {"ok": False, "error": "%s: %s" % (type(error).__name__, error)}
        print(json.dumps(answer), flush=True)


main()
