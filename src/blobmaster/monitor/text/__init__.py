"""The monitor without a screen: pages, lines, lists and the format of numbers."""
