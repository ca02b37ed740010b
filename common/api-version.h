// SPDX-License-Identifier: GPL-3.0-or-later
// The version of the source interface that smsd-dev installs, for dispatchers and queues that are built
// outside of this tree. smsd-extending(7) describes the interface.
//
// The rule for raising it: by one, in a release after which a program that was written for the number before
// may not compile, or may behave differently. An addition with a default, such as a virtual function that is
// not pure or a member at the end of a struct, does not raise it. The version promises nothing about binary
// compatibility: the libraries are static, so each program has the kit with which it was linked. Whether a
// running worker and a running smsd of different versions understand each other is another matter:
// dispatcher.capnp has the version of their protocol.
#pragma once

#define SMSD_API_VERSION 1
