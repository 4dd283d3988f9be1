"""Android devices: the ``adb`` program, the agent on the device, and facts about a phone."""
