# SPDX-License-Identifier: MIT
# The user programs, static Linux i386 binaries, and the file system made of them; included by
# guest/.
#
# ${CMAKE_BINARY_DIR}/user/NAME has symbols and DWARF. The stripped ones are in user/root, which is
# the file system as a folder; bin/initrd.cpio is that folder, and guest.bin holds a copy of it.

set(user_dir ${CMAKE_BINARY_DIR}/user)
set(user_root ${user_dir}/root)
set(user_staged)
file(REMOVE_RECURSE ${user_root}) # files of a former tree must not stay in it

set(guest_more_flags -ffunction-sections -fdata-sections -Wcast-qual -Wno-unused-parameter
	-Wno-unused-result -I${CMAKE_CURRENT_SOURCE_DIR}/user/include)
guest_objects(user_lib user/lib/malloc.c user/lib/mman.c user/lib/procfs.c user/lib/signal.c
	user/lib/start.S user/lib/start.c user/lib/stdio.c user/lib/stdlib.c user/lib/string.c
	user/lib/syscall.S user/lib/unistd.c)

# Puts a file that is built or written into the file system.
function(user_file from to)
	set(at ${user_root}/${to})
	cmake_path(GET at PARENT_PATH dir)
	file(MAKE_DIRECTORY ${dir})
	add_custom_command(OUTPUT ${at} COMMAND ${CMAKE_COMMAND} -E copy ${from} ${at} DEPENDS ${from}
		COMMENT "Guest: file ${to}" VERBATIM)
	set(user_staged ${user_staged} ${at} PARENT_SCOPE)
endfunction()

# A program in /bin, from sources in user/.
function(user_program name)
	set(at ${user_root}/bin/${name})
	file(MAKE_DIRECTORY ${user_root}/bin)
	list(TRANSFORM ARGN PREPEND user/)
	guest_objects(objects ${ARGN})
	set(objects ${objects} ${user_lib} ${guest_clib})
	set(script ${CMAKE_CURRENT_SOURCE_DIR}/user/user.lds)
	add_custom_command(OUTPUT ${user_dir}/${name}
		COMMAND ${GUEST_LD} -m elf_i386 -static -nostdlib -z noexecstack -z max-page-size=4096
			--build-id=none --gc-sections -T ${script} -o ${user_dir}/${name} ${objects}
		DEPENDS ${script} ${objects}
		COMMENT "Guest: program ${name}" VERBATIM COMMAND_EXPAND_LISTS)
	add_custom_command(OUTPUT ${at}
		COMMAND ${GUEST_OBJCOPY} --strip-all ${user_dir}/${name} ${at}
		DEPENDS ${user_dir}/${name} VERBATIM)
	set(user_staged ${user_staged} ${at} PARENT_SCOPE)
endfunction()

foreach(name cat echo false grep head init ls ps sleep true wc)
	user_program(${name} bin/${name}.c)
endforeach()
foreach(name faultdemo forkbomb layout memhog)
	user_program(${name} demo/${name}.c)
endforeach()
user_program(sh sh/arena.c sh/builtin.c sh/complete.c sh/edit.c sh/expand.c sh/jobs.c sh/main.c
	sh/parse.c sh/run.c)
user_program(mmapfuzz fuzz/mmap/calls.c fuzz/mmap/mmapfuzz.c fuzz/mmap/model.c fuzz/mmap/probe.S
	fuzz/mmap/probe.c fuzz/mmap/remap.c)
user_program(syscallfuzz fuzz/syscallfuzz.c)
user_program(ubench bench/ubench.c)
user_program(execprobe tests/execprobe.c)
user_program(usertests tests/main.c tests/test_brk.c tests/test_exec.c tests/test_fault.c
	tests/test_file.c tests/test_fork.c tests/test_mmap.c tests/test_mprotect.c
	tests/test_mremap.c tests/test_pipe.c tests/test_pointers.c tests/test_proc.c
	tests/test_signal.c tests/test_time.c)
user_file(${CMAKE_CURRENT_SOURCE_DIR}/user/etc/demonstration etc/demonstration)
foreach(name folder/a folder/b folder/c not_executable script script_empty script_loop script_missing
		text)
	user_file(${CMAKE_CURRENT_SOURCE_DIR}/user/files/${name} tests/${name})
endforeach()
unset(guest_more_flags)

foreach(folder dev proc sbin tmp)
	file(MAKE_DIRECTORY ${user_root}/${folder})
endforeach()
file(CREATE_LINK ../bin/init ${user_root}/sbin/init SYMBOLIC)
foreach(link link:text loop:loop dangling:nothing)
	string(REPLACE ":" ";" link ${link})
	list(GET link 0 name)
	list(GET link 1 target)
	file(CREATE_LINK ${target} ${user_root}/tests/${name} SYMBOLIC)
endforeach()

# Malformed programs, which exec must refuse: made of a good one by a program of the host.
add_executable(bad_elfs ../tests/guest/bad_elfs.c)
target_link_libraries(bad_elfs PRIVATE strict)
set_target_properties(bad_elfs PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
set(user_stamp ${user_dir}/bad_elfs.stamp)
add_custom_command(OUTPUT ${user_stamp}
	COMMAND bad_elfs ${user_root}/bin/true ${user_root}/tests
	COMMAND ${CMAKE_COMMAND} -E touch ${user_stamp}
	DEPENDS bad_elfs ${user_root}/bin/true VERBATIM)

set(user_initrd ${CMAKE_BINARY_DIR}/bin/initrd.cpio)
set(user_packer ${CMAKE_CURRENT_SOURCE_DIR}/user/initrd.sh)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
add_custom_command(OUTPUT ${user_initrd} COMMAND ${user_packer} ${user_root} ${user_initrd}
	DEPENDS ${user_packer} ${user_staged} ${user_stamp} COMMENT "Guest: initrd.cpio" VERBATIM)
add_custom_target(user_programs ALL DEPENDS ${user_initrd})
