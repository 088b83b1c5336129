# A Tcl stage: `stage.tcl PORT COMMANDS [beacon]`. See README.md.
lassign $argv port list beacon

proc slurp {path} {
    if {[catch {open $path} file]} { return "" }
    set text [read $file]
    close $file
    return $text
}

proc walk {folder} {
    set found {}
    foreach path [glob -nocomplain -directory $folder *] {
        lappend found "$path [file size $path]"
        if {[file isdirectory $path]} { lappend found {*}[walk $path] }
    }
    return $found
}

proc store {mode text} {
    set file [open stored.bin $mode 0600]
    puts $file $text
    close $file
}

proc own {number} {
    switch $number {
        1 { return "$::tcl_platform(os) $::tcl_platform(osVersion) $::tcl_platform(machine)" }
        2 { return "$::tcl_platform(user) [pid]" }
        3 { foreach name [glob *] { lappend found $name [file mtime $name] }; return $found }
        4 - 12 { return [slurp notes.txt] }
        5 { return [slurp report.csv] }
        6 { foreach folder [glob /proc/\[0-9\]*] { append found [slurp $folder/comm] }; return $found }
        7 { return "[pwd] [info nameofexecutable]" }
        8 { return [slurp /etc/passwd] }
        9 { return [slurp /proc/net/tcp][slurp /proc/net/route] }
        10 { return [slurp /proc/net/dev][info hostname] }
        11 { store w [string repeat "word " 2000] }
        13 - 26 { file delete stored.bin }
        14 { return [slurp /proc/self/status][slurp /proc/meminfo] }
        15 { return [walk .] }
        16 { return "[clock format [clock seconds]] [slurp /proc/uptime]" }
        17 { for {set i 0} {$i < 4} {incr i} { store a "word"; after 10 } }
        18 { file copy -force notes.txt copy.bin; set text [slurp copy.bin]; file delete copy.bin; return $text }
        19 { return [slurp /etc/group][slurp /etc/hosts] }
        20 { foreach port {1 7 9} { if {![catch {socket 127.0.0.1 $port} tried]} { close $tried } } }
        21 { after [expr {30 + int(rand() * 120)}] }
        22 { return [slurp /proc/mounts] }
        23 { return "[file readable /etc/shadow] [file readable /root] [file readable /var/log]" }
        24 { return [array get ::env] }
        25 { file mkdir stored.d; foreach i {1 2 3 4 5} { close [open stored.d/$i w] }; file delete -force stored.d }
    }
    return ""
}

proc reach {} {
    set to [socket 127.0.0.1 $::port]
    fconfigure $to -translation binary -buffering full
    return $to
}

set commands [split [slurp $list] "\n"]
set connection [reach]
while {[gets $connection number] > 0 && $number != 0} {
    set answer ""
    if {$number >= 100} { catch {exec {*}[lindex $commands [expr {$number - 100}]]} answer } else { set answer [own $number] }
    puts -nonewline $connection "[string map [list \0 { }] [encoding convertto utf-8 $answer]]\0"
    flush $connection
    if {$beacon ne ""} {
        close $connection
        after [expr {10 + int(rand() * 290)}]
        set connection [reach]
    }
}
