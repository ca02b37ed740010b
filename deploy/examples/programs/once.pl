#!/usr/bin/perl
# SPDX-License-Identifier: GPL-3.0-or-later
# Writes each SMS to the device in its argument. For `mode: once`, `runtime: perl`: see smsd-command(7).
use strict;
use warnings;

my ($device) = @ARGV;
open(my $line, '>', $device) or do { warn "E! cannot open $device: $!\n"; exit 75 };    # deferred
print $line "$ENV{SMSD_RECIPIENT} $ENV{SMSD_TEXT}\r\n" and close($line) or exit 1;       # unknown
print "line-$ENV{SMSD_ID}\n";
