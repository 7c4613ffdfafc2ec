"""Colour: conversion to 8-bit RGB, and the profiles that say what its values mean."""
