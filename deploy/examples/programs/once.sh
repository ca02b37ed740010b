#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Writes each SMS to the device in $1. For `mode: once`, `runtime: shell`: see smsd-command(7).
printf '%s %s\r\n' "$SMSD_RECIPIENT" "$SMSD_TEXT" >"$1" || exit 75
echo "line-$SMSD_ID"
