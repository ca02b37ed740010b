# SPDX-License-Identifier: GPL-3.0-or-later
# The interface of a queue and the rules that all backends share, for those of smsd and for a queue of one's own: a shared object
# links it, so it is position independent.

# The headers of the interface. Their content is the id of the binary interface (queue-object.h): an object that was built against
# others is refused.
set(SMSD_QUEUE_INTERFACE_HEADERS
  supervisor/format/format.h
  supervisor/format/message.h
  supervisor/pace/pace.h
  supervisor/queue/heartbeats.h
  supervisor/queue/intake.h
  supervisor/queue/installation.h
  supervisor/queue/queue-object.h
  supervisor/queue/queue-defaults.h
  supervisor/queue/queue.h
  supervisor/queue/records.h)
# The rules that backends share, and the means of those on PostgreSQL.
set(SMSD_QUEUE_COMMON_HEADERS
  common/text/utf.h
  supervisor/queue/claim-rules.h
  supervisor/queue/clock-watch.h
  supervisor/queue/host-name.h
  supervisor/queue/idempotency-key.h
  supervisor/queue/leases.h
  supervisor/queue/postgresql/result.h
  supervisor/queue/postgresql/values.h
  supervisor/queue/queue-thread.h
  supervisor/queue/ranges.h
  supervisor/queue/rows.h
  supervisor/queue/smsid.h
  supervisor/queue/stamps.h
  supervisor/queue/statement.h
  supervisor/queue/stored-names.h)

set(content "")
foreach(header ${SMSD_QUEUE_INTERFACE_HEADERS})
  file(SHA256 ${CMAKE_SOURCE_DIR}/${header} one)
  string(APPEND content ${one})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${header})
endforeach()
string(SHA256 SMSD_QUEUE_INTERFACE_ID "${content}")
string(SUBSTRING ${SMSD_QUEUE_INTERFACE_ID} 0 16 SMSD_QUEUE_INTERFACE_ID)
set(SMSD_QUEUE_GENERATED ${CMAKE_BINARY_DIR}/generated/queue-common)
configure_file(${CMAKE_CURRENT_LIST_DIR}/interface-id.h.in ${SMSD_QUEUE_GENERATED}/supervisor/queue/interface-id.h @ONLY)

# A public header is <smsd/...>, without the tree that it has here: as the installed kit has it. In this build it refers to the header.
function(smsd_public_headers)
  foreach(header ${ARGN})
    string(REGEX REPLACE "^(common|supervisor|tests)/" "" name ${header})
    if(header STREQUAL "supervisor/queue/queue.h")
      set(name queue.h)
    endif()
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/kit/smsd/${name} CONTENT "#pragma once\n#include \"${header}\"\n")
  endforeach()
endfunction()
smsd_public_headers(${SMSD_QUEUE_INTERFACE_HEADERS} ${SMSD_QUEUE_COMMON_HEADERS})

add_library(smsd-queue-common STATIC ${CMAKE_CURRENT_LIST_DIR}/clock-watch.cpp ${CMAKE_CURRENT_LIST_DIR}/queue-thread.cpp
  ${CMAKE_CURRENT_LIST_DIR}/../pace/pace.cpp)
set_target_properties(smsd-queue-common PROPERTIES POSITION_INDEPENDENT_CODE ON)
target_compile_options(smsd-queue-common PRIVATE -fno-semantic-interposition)
target_include_directories(smsd-queue-common PUBLIC ${CMAKE_SOURCE_DIR} ${SMSD_QUEUE_GENERATED})
target_link_libraries(smsd-queue-common PUBLIC smsd-text fmt::fmt CapnProto::kj CapnProto::kj-async Threads::Threads
  PRIVATE smsd-warnings)

# As the CMake package of the kit names it.
add_library(smsd-queue-kit INTERFACE)
add_library(smsd::queue ALIAS smsd-queue-kit)
target_include_directories(smsd-queue-kit INTERFACE ${CMAKE_BINARY_DIR}/generated/kit)
target_link_libraries(smsd-queue-kit INTERFACE smsd-queue-common)
