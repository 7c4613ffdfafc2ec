"""Colour: conversion to 8-bit RGB, and the profiles that define its values."""
