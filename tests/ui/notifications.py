"""A desktop's notification service for the window tests: tells each call it gets as one JSON line, and clicks or puts away what it is told
to, one JSON command a line; it can also refuse, hang, go and come back. Started by src/notifications.rs on the test's own session bus."""

import json
import sys

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

NAME = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"
ABOUT = """
<node><interface name='org.freedesktop.Notifications'>
  <method name='GetCapabilities'><arg type='as' direction='out'/></method>
  <method name='Notify'>
    <arg type='s' direction='in'/><arg type='u' direction='in'/><arg type='s' direction='in'/><arg type='s' direction='in'/>
    <arg type='s' direction='in'/><arg type='as' direction='in'/><arg type='a{sv}' direction='in'/><arg type='i' direction='in'/>
    <arg type='u' direction='out'/>
  </method>
  <method name='CloseNotification'><arg type='u' direction='in'/></method>
  <signal name='NotificationClosed'><arg type='u'/><arg type='u'/></signal>
  <signal name='ActionInvoked'><arg type='u'/><arg type='s'/></signal>
</interface></node>
"""


class Service:
    def __init__(self):
        self.last = 0
        self.bus = None
        self.owned = None
        self.mood = "works"

    def own(self):
        ready = lambda _bus, _name: self.tell(told="ready")
        self.owned = Gio.bus_own_name(Gio.BusType.SESSION, NAME, Gio.BusNameOwnerFlags.NONE, self.acquired, ready, None)

    def tell(self, **fields):
        print(json.dumps(fields), flush=True)

    def acquired(self, bus, _name):
        if self.bus is not None:
            return
        self.bus = bus
        about = Gio.DBusNodeInfo.new_for_xml(ABOUT).interfaces[0]
        bus.register_object(PATH, about, self.called, None, None)

    def called(self, _bus, _sender, _path, _interface, method, parameters, invocation):
        values = parameters.unpack()
        if self.mood != "works":
            self.tell(told=method, mood=self.mood)
            if self.mood == "refuses":
                invocation.return_dbus_error(NAME + ".Error", "not now")
            return
        if method == "GetCapabilities":
            invocation.return_value(GLib.Variant("(as)", (["body", "body-markup", "actions"],)))
        elif method == "Notify":
            app, replaces, icon, title, body, actions, hints, _timeout = values
            number = replaces
            if number == 0:
                self.last += 1
                number = self.last
            self.tell(told="shown", number=number, replaces=replaces, app=app, icon=icon, title=title, body=body, actions=actions, hints=hints)
            invocation.return_value(GLib.Variant("(u)", (number,)))
        else:
            self.tell(told="closed", number=values[0])
            self.emit("NotificationClosed", GLib.Variant("(uu)", (values[0], 3)))
            invocation.return_value(None)

    def emit(self, signal, values):
        self.bus.emit_signal(None, PATH, NAME, signal, values)

    def command(self, source, _condition):
        line = source.readline()
        if not line:
            return False
        command = json.loads(line)
        if command["do"] == "again":
            Gio.bus_unown_name(self.owned)
            # Another one, which has shown something of another program already.
            self.last = 1
            self.own()
            return True
        if command["do"] in ("works", "refuses", "hangs"):
            self.mood = command["do"]
            self.tell(told=self.mood)
            return True
        number = command["number"]
        if command["do"] == "click":
            self.emit("ActionInvoked", GLib.Variant("(us)", (number, "default")))
        # A click puts it away, as the desktops do.
        self.emit("NotificationClosed", GLib.Variant("(uu)", (number, 2)))
        return True


def main():
    service = Service()
    service.own()
    GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, service.command)
    GLib.MainLoop().run()


main()
