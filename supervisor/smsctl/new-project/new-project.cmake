# SPDX-License-Identifier: GPL-3.0-or-later
# Compiles the templates of `smsctl new` in. The units come from the sources of the shipped units in deploy/systemd. A word between two
# @ signs is filled in by new-project.cpp.

set(templates ${CMAKE_SOURCE_DIR}/deploy/templates)
set(systemd ${CMAKE_SOURCE_DIR}/deploy/systemd)
file(READ ${systemd}/hardening.in SMSD_HARDENING)
string(STRIP "${SMSD_HARDENING}" SMSD_HARDENING)
file(READ ${systemd}/worker-hardening.in SMSD_WORKER_HARDENING)
string(STRIP "${SMSD_WORKER_HARDENING}" SMSD_WORKER_HARDENING)
# These are filled in when the file is written.
foreach(word SMSD_DEVICE SMSD_KIND SMSD_NAME SMSD_PROGRAM SMSD_WHOM SMSD_WORKERS)
  set(${word} "@${word}@")
endforeach()
set(SMSD_MANUAL smsd-extending)
set(SMSD_STATE "")

set(SMSD_TEMPLATES "")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${systemd}/hardening.in ${systemd}/worker-hardening.in)
function(template name file)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(READ ${file} text)
  if(name MATCHES "^(unit|command)/")
    string(CONFIGURE "${text}" text @ONLY)
  endif()
  set(SMSD_TEMPLATES "${SMSD_TEMPLATES}    {\"${name}\", R\"smsd(${text})smsd\"},\n" PARENT_SCOPE)
endfunction()
template(unit/service ${systemd}/smsd-kind@.service.in)
template(unit/socket ${systemd}/smsd-kind@.socket.in)
# PrivateUsers=identity is of systemd 257.
if(SYSTEMD_VERSION VERSION_GREATER_EQUAL 257)
  template(unit/users ${systemd}/users.conf)
endif()
foreach(opening network device state)
  template(unit/${opening} ${templates}/unit/${opening}.conf.in)
endforeach()
foreach(file c++/CMakeLists.txt c++/dispatcher.cpp c++/dispatcher.yaml c++/README.md python/dispatcher.py python/dispatcher.yaml
  python/README.md shell/dispatcher.sh shell/dispatcher.yaml shell/README.md command/check)
  template(${file} ${templates}/${file}.in)
endforeach()
configure_file(${CMAKE_CURRENT_LIST_DIR}/templates.h.in ${CMAKE_BINARY_DIR}/generated/new-project/supervisor/smsctl/new-project/templates.h
  @ONLY)

target_sources(smsd-smsctl PRIVATE ${CMAKE_CURRENT_LIST_DIR}/new-project.cpp ${CMAKE_CURRENT_LIST_DIR}/command.cpp)
target_include_directories(smsd-smsctl PRIVATE ${CMAKE_BINARY_DIR}/generated/new-project)
