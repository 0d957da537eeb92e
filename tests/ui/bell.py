"""Stands in for the desktop's notifications: owns their name on the session bus and prints each as one JSON line. Started by src/bell.rs with
the kind of desktop: `gtk` as GNOME has it, `free` as others do."""

import json
import sys

from gi.repository import Gio, GLib

FREE = """
<node><interface name='org.freedesktop.Notifications'>
<method name='GetCapabilities'><arg type='as' direction='out'/></method>
<method name='GetServerInformation'>
<arg type='s' direction='out'/><arg type='s' direction='out'/><arg type='s' direction='out'/><arg type='s' direction='out'/>
</method>
<method name='CloseNotification'><arg type='u' direction='in'/></method>
<method name='Notify'>
<arg type='s' direction='in'/><arg type='u' direction='in'/><arg type='s' direction='in'/><arg type='s' direction='in'/>
<arg type='s' direction='in'/><arg type='as' direction='in'/><arg type='a{sv}' direction='in'/><arg type='i' direction='in'/>
<arg type='u' direction='out'/>
</method>
</interface></node>
"""
GTK = """
<node><interface name='org.gtk.Notifications'>
<method name='AddNotification'>
<arg type='s' direction='in'/><arg type='s' direction='in'/><arg type='a{sv}' direction='in'/>
</method>
<method name='RemoveNotification'><arg type='s' direction='in'/><arg type='s' direction='in'/></method>
</interface></node>
"""
KINDS = {
    "free": ("org.freedesktop.Notifications", "/org/freedesktop/Notifications", FREE),
    "gtk": ("org.gtk.Notifications", "/org/gtk/Notifications", GTK),
}


def say(title, body):
    print(json.dumps({"title": title, "body": body}), flush=True)


def called(_connection, _sender, _path, _interface, method, arguments, invocation):
    values = arguments.unpack()
    answer = None
    if method == "GetCapabilities":
        # All that other people's words could be mistaken for.
        answer = GLib.Variant("(as)", (["actions", "body", "body-markup", "body-hyperlinks", "body-images"],))
    elif method == "GetServerInformation":
        answer = GLib.Variant("(ssss)", ("bell", "hobnob", "1", "1.2"))
    elif method == "Notify":
        say(values[3], values[4])
        answer = GLib.Variant("(u)", (1,))
    elif method == "AddNotification":
        say(values[2].get("title", ""), values[2].get("body", ""))
    invocation.return_value(answer)


def main():
    name, path, xml = KINDS[sys.argv[1]]
    interface = Gio.DBusNodeInfo.new_for_xml(xml).interfaces[0]

    def ready(connection, _name):
        connection.register_object(path, interface, called, None, None)

    def owned(_connection, _name):
        print("ready", flush=True)

    Gio.bus_own_name(Gio.BusType.SESSION, name, Gio.BusNameOwnerFlags.NONE, ready, owned, None)
    GLib.MainLoop().run()


main()
