# SPDX-License-Identifier: MIT
# How guest code is built; included by the top, for guest/ and for the guests of tests/.
#
# The guest is 32-bit and freestanding, whatever the host is, and must not get the host program's
# flags (sanitizers, hardening). So its files are compiled by custom commands with flags of their
# own; the depfiles make incremental builds right. It needs no multilib: nothing but the compiler's
# own headers is included, and nothing is linked from outside.
#
# Cache variables: VMSPLIT (3G, 2G, 1G), GUEST_CC (a program's name or path; default: the host
# compiler if it does -m32, else clang), GUEST_LD, GUEST_OBJCOPY.

set(VMSPLIT 3G CACHE STRING "Size of the guest's user space: 3G, 2G or 1G")
set_property(CACHE VMSPLIT PROPERTY STRINGS 3G 2G 1G)
if(VMSPLIT STREQUAL "3G")
	set(guest_page_offset 0xc0000000)
elseif(VMSPLIT STREQUAL "2G")
	set(guest_page_offset 0x80000000)
elseif(VMSPLIT STREQUAL "1G")
	set(guest_page_offset 0x40000000)
else()
	message(FATAL_ERROR "VMSPLIT=${VMSPLIT}: choose 3G, 2G or 1G")
endif()

# Sets ${ok} if this compiler, with these flags, makes 32-bit x86 objects.
function(guest_try_compiler ok)
	file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/probe.c
		"#include <stdint.h>\nint probe[sizeof(void *) == 4 ? 1 : -1];\n"
		"void f(void);\nvoid f(void) { __asm__ volatile(\"invlpg (%0)\" : : \"r\"(0)); }\n")
	execute_process(COMMAND ${ARGN} -ffreestanding -c -o ${CMAKE_CURRENT_BINARY_DIR}/probe.o
		${CMAKE_CURRENT_BINARY_DIR}/probe.c RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
	if(status EQUAL 0)
		set(${ok} TRUE PARENT_SCOPE)
	else()
		set(${ok} FALSE PARENT_SCOPE)
	endif()
endfunction()

find_program(GUEST_CLANG NAMES clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14)
mark_as_advanced(GUEST_CLANG)
# A STRING: a FILEPATH from the command line would become $PWD/NAME.
set(GUEST_CC "" CACHE STRING "Compiler of the guest; empty: choose one")
set(guest_cc)
set(guest_candidates ${GUEST_CC})
if(NOT GUEST_CC)
	set(guest_candidates ${CMAKE_C_COMPILER} ${GUEST_CLANG})
endif()
foreach(candidate ${guest_candidates})
	foreach(flag -m32 --target=i686-linux-gnu)
		guest_try_compiler(works ${candidate} ${flag})
		if(works AND NOT guest_cc)
			set(guest_cc ${candidate} ${flag})
		endif()
	endforeach()
endforeach()
if(NOT guest_cc AND GUEST_CC)
	message(FATAL_ERROR "GUEST_CC=${GUEST_CC} makes no 32-bit x86 objects, neither with -m32 nor with "
		"--target=i686-linux-gnu; name another compiler, or leave GUEST_CC empty")
endif()
if(NOT guest_cc)
	message(FATAL_ERROR "the guest needs a compiler for 32-bit x86: gcc with -m32, or clang")
endif()

find_program(GUEST_LD NAMES ld ld.lld)
execute_process(COMMAND ${GUEST_LD} -V OUTPUT_VARIABLE guest_ld_emulations ERROR_QUIET)
if(NOT guest_ld_emulations MATCHES "elf_i386|LLD")
	find_program(GUEST_LLD NAMES ld.lld ld.lld-19 ld.lld-18 ld.lld-17 ld.lld-16 ld.lld-15 ld.lld-14
		REQUIRED)
	set(GUEST_LD ${GUEST_LLD} CACHE FILEPATH "Linker of the guest" FORCE)
endif()
find_program(GUEST_OBJCOPY NAMES objcopy llvm-objcopy REQUIRED)
find_program(GUEST_NM NAMES nm llvm-nm REQUIRED)
list(JOIN guest_cc " " guest_cc_text)
message(STATUS "Guest: ${guest_cc_text}, ${GUEST_LD}, VMSPLIT ${VMSPLIT}")

set(guest_flags
	-std=gnu17 -O2 -g -ffreestanding -march=i686 -mtune=generic -mno-mmx -mno-sse -msoft-float
	-fno-pic -fno-pie -fno-stack-protector -fcf-protection=none
	-fno-asynchronous-unwind-tables -fno-omit-frame-pointer -fno-common
	-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=
	-Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Wundef
	-Wpointer-arith -Wvla
	-DCONFIG_PAGE_OFFSET=${guest_page_offset} -DGUEST_VERSION="${PROJECT_VERSION}"
	-I${PROJECT_SOURCE_DIR}/guest/include -I${PROJECT_SOURCE_DIR})

# Compiles sources for the guest; sets the variable named by out to the list of object files. The
# caller may set guest_more_flags, and guest_more_depends: files that they include by other means.
function(guest_objects out)
	set(objects)
	foreach(source ${ARGN})
		cmake_path(ABSOLUTE_PATH source OUTPUT_VARIABLE path)
		cmake_path(RELATIVE_PATH path BASE_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE name)
		set(object ${CMAKE_BINARY_DIR}/guest-objects/${name}.o)
		cmake_path(GET object PARENT_PATH dir)
		file(MAKE_DIRECTORY ${dir})
		add_custom_command(OUTPUT ${object}
			COMMAND ${guest_cc} ${guest_flags} ${guest_more_flags} -MD -MF ${object}.d -MT ${object} -c ${path}
				-o ${object}
			DEPENDS ${path} ${guest_more_depends} DEPFILE ${object}.d
			COMMENT "Guest: ${name}" VERBATIM COMMAND_EXPAND_LISTS)
		list(APPEND objects ${object})
		set(arguments ${guest_cc} ${guest_flags} ${guest_more_flags} -c ${path})
		string(REPLACE "\"" "\\\"" arguments "${arguments}")
		list(JOIN arguments "\", \"" arguments)
		set_property(GLOBAL APPEND PROPERTY guest_commands "{ \"directory\": \"${CMAKE_BINARY_DIR}\", \"file\": \"${path}\",
  \"arguments\": [ \"${arguments}\" ] }")
	endforeach()
	set(${out} ${objects} PARENT_SCOPE)
endfunction()

# Writes the commands of guest_objects(), for clang-tidy.
function(guest_write_commands)
	get_property(commands GLOBAL PROPERTY guest_commands)
	list(JOIN commands ",\n" commands)
	file(WRITE ${CMAKE_BINARY_DIR}/guest-objects/compile_commands.json "[\n${commands}\n]\n")
endfunction()
cmake_language(DEFER DIRECTORY ${PROJECT_SOURCE_DIR} CALL guest_write_commands)

# Links objects into elf by the preprocessed linker script lds.
function(guest_link elf lds)
	add_custom_command(OUTPUT ${elf}
		COMMAND ${GUEST_LD} -m elf_i386 -static -nostdlib -z noexecstack -z max-page-size=4096
			--build-id=sha1 -T ${lds} -o ${elf} ${ARGN}
		DEPENDS ${lds} ${ARGN}
		COMMENT "Guest: ${elf}" VERBATIM COMMAND_EXPAND_LISTS)
endfunction()

# Links bin/name.elf (symbols, DWARF) by the linker script, and strips it to bin/name.bin. With
# KALLSYMS it holds a table of its own functions, made from a first link without (kallsyms.h).
function(guest_image name script)
	cmake_parse_arguments(PARSE_ARGV 2 image "KALLSYMS" "" "")
	set(objects ${image_UNPARSED_ARGUMENTS})
	set(bin ${CMAKE_BINARY_DIR}/bin)
	set(base ${CMAKE_CURRENT_BINARY_DIR}/${name})
	file(MAKE_DIRECTORY ${bin})
	cmake_path(ABSOLUTE_PATH script OUTPUT_VARIABLE path)
	add_custom_command(OUTPUT ${base}.lds
		COMMAND ${guest_cc} ${guest_flags} -E -P -Ui386 -x assembler-with-cpp -MD -MF ${base}.lds.d
			-MT ${base}.lds ${path} -o ${base}.lds
		DEPENDS ${path} DEPFILE ${base}.lds.d
		COMMENT "Guest: ${name}.lds" VERBATIM COMMAND_EXPAND_LISTS)
	if(image_KALLSYMS)
		set(maker ${PROJECT_SOURCE_DIR}/guest/kernel/kallsyms.sh)
		guest_link(${base}.first.elf ${base}.lds ${objects})
		add_custom_command(OUTPUT ${base}.kallsyms.o
			COMMAND ${maker} ${GUEST_NM} ${base}.first.elf ${base}.kallsyms.S
			COMMAND ${guest_cc} ${guest_flags} -c ${base}.kallsyms.S -o ${base}.kallsyms.o
			DEPENDS ${base}.first.elf ${maker}
			COMMENT "Guest: symbols of ${name}" VERBATIM COMMAND_EXPAND_LISTS)
		list(APPEND objects ${base}.kallsyms.o)
	endif()
	guest_link(${bin}/${name}.elf ${base}.lds ${objects})
	add_custom_command(OUTPUT ${bin}/${name}.bin
		COMMAND ${GUEST_OBJCOPY} --strip-all ${bin}/${name}.elf ${bin}/${name}.bin
		DEPENDS ${bin}/${name}.elf
		COMMENT "Guest: ${name}.bin" VERBATIM)
	add_custom_target(guest_${name} ALL DEPENDS ${bin}/${name}.bin ${bin}/${name}.elf)
endfunction()
