# CD hook: makes a CD look like the hybrid disk that its ISO also is, so that one boot sector serves both.
#
# A BIOS reads a CD in sectors of 2048 bytes; the boot loader's first stages read sectors of 512
# bytes from "the drive that I came from". This is the no-emulation El Torito boot image of the
# ISO. It hooks INT 13h, turns extended reads (AH=42h) of 512-byte sectors on the boot drive into
# CD reads, then loads sector 0 of that very ISO, the boot sector, and jumps to it.
#
# Invariants:
# - every other INT 13h call, and every other drive, goes to the BIOS untouched;
# - at most 2048 bytes, the four 512-byte units that the boot catalog loads;
# - segment registers are only loaded in real mode, which keeps the 4 GiB limits that the loader's
#   unreal mode relies on;
# - a read error is told on the screen and on COM1, and reported to the caller.
#
# Memory: the loader's second stage uses 0x07c00 to 0x7ffff, so the hook moves to 0x90000 and keeps
# a bounce buffer of one CD sector behind itself. It is of no use once the loader has left real mode.
#
# Assembled with `as --32`, linked at address 0: a label is its offset in the hook's segment.

.intel_syntax noprefix
.code16

.set HOOK_SEGMENT,      0x9000
.set IMAGE_BYTES,       2048
.set CD_SECTOR_BYTES,   2048
.set DISK_SECTOR_BYTES, 512
.set DISK_PER_CD,       4          # 512-byte sectors in a CD sector; a power of two
.set INT13_VECTOR,      0x13 * 4
.set BOOT_SECTOR,       0x7c00
.set ATTEMPTS,          3          # a CD that has just been inserted may fail once or twice
.set COM1,              0x3f8
.set COM1_STATUS,       COM1 + 5

.globl _start
_start:
    cli
    xor   ax, ax
    mov   ds, ax
    mov   ss, ax
    mov   sp, BOOT_SECTOR
    sti
    # Move out of the way: the boot sector will be loaded to where this code runs now.
    mov   ax, HOOK_SEGMENT
    mov   es, ax
    mov   si, BOOT_SECTOR
    xor   di, di
    mov   cx, IMAGE_BYTES / 2
    cld
    rep   movsw
    ljmp  HOOK_SEGMENT, offset moved

moved:
    mov   ax, cs
    mov   ds, ax
    mov   [drive], dl
    xor   ax, ax
    mov   es, ax
    mov   eax, es:[INT13_VECTOR]
    mov   [bios_int13], eax
    cli
    mov   word ptr es:[INT13_VECTOR], offset int13
    mov   es:[INT13_VECTOR + 2], cs
    sti

    # Read the boot sector through the hook itself, then start it as the BIOS would.
    mov   si, offset boot_packet
    mov   ah, 0x42
    mov   dl, [drive]
    int   0x13
    jc    stop
    mov   dl, [drive]
    xor   ax, ax
    mov   ds, ax
    mov   es, ax
    ljmp  0, BOOT_SECTOR
stop:
    # The hook has told why. Nothing is left to start.
    hlt
    jmp   stop

# --- the hooked interrupt -------------------------------------------------------------------------

int13:
    cmp   ah, 0x42
    jne   1f
    cmp   dl, cs:[drive]
    je    read
1:  ljmp  cs:[bios_int13]

# In: DS:SI = packet: +2 count of 512-byte sectors, +4 offset and +6 segment of the target, +8 first sector.
# Out: carry clear and AH = 0, or carry set and AH = the BIOS's error code.
# While it runs: CX = sectors left, EBP = next sector, ES:BX = where it goes.
read:
    pushad
    push  ds
    push  es
    mov   cx, [si + 2]
    mov   bx, [si + 4]
    mov   ax, [si + 6]
    mov   es, ax
    mov   ebp, [si + 8]
    mov   ax, cs
    mov   ds, ax
next:
    test  cx, cx
    jz    done
    mov   dx, bp
    and   dx, DISK_PER_CD - 1
    jnz   partial
    cmp   cx, DISK_PER_CD
    jb    partial

    # The start is aligned and a CD sector or more is wanted: read straight to the target.
    mov   ax, cx
    shr   ax, 2
    mov   [cd_count], ax
    mov   [cd_offset], bx
    mov   [cd_segment], es
    call  read_cd
    jc    failed
    mov   ax, cx
    and   ax, 0xffff - (DISK_PER_CD - 1)
    jmp   advance

partial:
    # Read one CD sector into the bounce buffer and copy what is wanted of it. DX = sectors to skip.
    mov   word ptr [cd_count], 1
    mov   word ptr [cd_offset], offset bounce
    mov   [cd_segment], cs
    call  read_cd
    jc    failed
    mov   ax, DISK_PER_CD
    sub   ax, dx
    cmp   ax, cx
    jbe   1f
    mov   ax, cx
1:  push  cx
    mov   si, dx
    shl   si, 9
    add   si, offset bounce
    mov   di, bx
    mov   cx, ax
    shl   cx, 8
    cld
    rep   movsw
    pop   cx

advance:
    # AX sectors are in place. The segment moves and the offset stays, so no read wraps a segment.
    sub   cx, ax
    movzx eax, ax
    add   ebp, eax
    shl   ax, 5
    mov   dx, es
    add   dx, ax
    mov   es, dx
    jmp   next

# The stack from SP: ES, DS (2 bytes each), the eight registers of pushad with EAX last, IP, CS, FLAGS.
.set SAVED_AH,    4 + 28 + 1
.set SAVED_FLAGS, 4 + 32 + 4

done:
    mov   bp, sp
    and   byte ptr [bp + SAVED_FLAGS], 0xfe
    mov   byte ptr [bp + SAVED_AH], 0
    jmp   leave_int13
failed:
    call  tell_error
    mov   bp, sp
    or    byte ptr [bp + SAVED_FLAGS], 1
    mov   al, [error]
    mov   [bp + SAVED_AH], al
leave_int13:
    pop   es
    pop   ds
    popad
    iret

# Reads cd_count CD sectors, the first being the one that holds 512-byte sector EBP, to
# cd_segment:cd_offset. Carry set and `error` filled in if the BIOS refuses it ATTEMPTS times.
read_cd:
    pushad
    push  es
    mov   eax, ebp
    shr   eax, 2
    mov   [cd_sector], eax
    mov   ax, [cd_count]
    mov   [cd_wanted], ax
    mov   di, ATTEMPTS
1:  push  di
    # A BIOS overwrites the count with what it managed to read.
    mov   ax, [cd_wanted]
    mov   [cd_count], ax
    mov   si, offset cd_packet
    mov   ah, 0x42
    mov   dl, [drive]
    pushf
    lcall [bios_int13]
    pop   di
    jnc   2f
    mov   [error], ah
    dec   di
    jnz   1b
    stc
2:  pop   es
    popad
    ret

# --- telling a person -----------------------------------------------------------------------------

tell_error:
    mov   si, offset text_cannot_read
    call  print
    mov   eax, [cd_sector]
    mov   cx, 8
    call  print_hex
    mov   si, offset text_code
    call  print
    movzx eax, byte ptr [error]
    shl   eax, 24
    mov   cx, 2
    call  print_hex
    mov   si, offset text_advice
    # Falls through.

# Prints the zero-terminated text at DS:SI.
print:
    lodsb
    test  al, al
    jz    1f
    call  print_char
    jmp   print
1:  ret

# Prints the CX highest hexadecimal digits of EAX.
print_hex:
    rol   eax, 4
    push  eax
    and   al, 0x0f
    cmp   al, 10
    jb    1f
    add   al, 'a' - '0' - 10
1:  add   al, '0'
    call  print_char
    pop   eax
    loop  print_hex
    ret

# Prints AL on the screen and, where there is a COM1, there too. The wait for the line is bounded.
print_char:
    pushad
    push  ax
    mov   ah, 0x0e
    xor   bx, bx
    int   0x10
    mov   dx, COM1_STATUS
    xor   cx, cx
1:  in    al, dx
    cmp   al, 0xff                 # no such port
    je    2f
    test  al, 0x20                 # transmitter is empty
    jnz   2f
    loop  1b
2:  pop   ax
    mov   dx, COM1
    out   dx, al
    popad
    ret

text_cannot_read: .asciz "\r\nGlyphOS: the BIOS cannot read the CD at sector 0x"
text_code:        .asciz ", error 0x"
text_advice:      .asciz ". Write the CD again, or start from a USB stick.\r\n"

# --- data -----------------------------------------------------------------------------------------

.balign 4
bios_int13:  .long 0
cd_wanted:   .word 0
drive:       .byte 0
error:       .byte 0

.balign 4
boot_packet: .byte 16, 0
             .word 1, BOOT_SECTOR, 0
             .quad 0
cd_packet:   .byte 16, 0
cd_count:    .word 0
cd_offset:   .word 0
cd_segment:  .word 0
cd_sector:   .quad 0

# The assembler refuses to move backwards here, which is the check that all of the above fits.
.org IMAGE_BYTES
bounce:
