"""Exploration by optimism: XPO, VPO and SELM."""
