//! The windows, driven through accessibility on a virtual display.
