NAME        
ROWS
 N  Obj     
 G  r0      
 G  r1      
 G  r2      
 G  r3      
 G  r4      
 G  r5      
 G  r6      
 G  r7      
 G  r8      
 G  r9      
 G  r10     
 G  r11     
 G  r12     
 G  r13     
 G  r14     
 G  r15     
 G  r16     
 G  r17     
 G  r18     
 G  r19     
 G  r20     
 G  r21     
 G  r22     
 G  r23     
 G  r24     
 G  r25     
 G  r26     
 G  r27     
 G  r28     
 G  r29     
 G  r30     
 G  r31     
 G  r32     
 G  r33     
 G  r34     
 G  r35     
 G  r36     
 G  r37     
 G  r38     
 G  r39     
 G  r40     
 G  r41     
 G  r42     
 G  r43     
 G  r44     
 G  r45     
 G  r46     
 G  r47     
 G  r48     
 G  r49     
 G  r50     
 G  r51     
COLUMNS
    MARK0000  'MARKER'                 'INTORG'
    c0        r1        1
    c0        r3        1
    c0        r5        1
    c0        r7        1
    c0        r31       -1
    c0        r51       -1
    c1        r12       1
    c1        r14       1
    c1        r16       1
    c1        r18       1
    c1        r32       -1
    c1        r51       1
    c2        r0        1
    c2        r1        -1
    c2        r8        -1
    c2        r33       -1
    c2        r34       1
    c2        r35       -1
    c2        r36       1
    c2        r37       -1
    c2        r38       1
    c3        r2        1
    c3        r3        -1
    c3        r8        1
    c3        r9        -1
    c3        r10       -1
    c3        r39       -1
    c3        r40       1
    c3        r41       -1
    c3        r42       1
    c3        r43       -1
    c3        r44       1
    c4        r4        1
    c4        r5        -1
    c4        r9        1
    c4        r45       -1
    c4        r46       1
    c4        r47       -1
    c4        r48       1
    c4        r49       -1
    c4        r50       1
    c5        r6        1
    c5        r7        -1
    c5        r10       1
    c6        r11       1
    c6        r12       -1
    c6        r19       -1
    c6        r33       1
    c6        r34       -1
    c6        r39       1
    c6        r40       -1
    c6        r45       1
    c6        r46       -1
    c7        r13       1
    c7        r14       -1
    c7        r19       1
    c7        r20       -1
    c7        r21       -1
    c7        r35       1
    c7        r36       -1
    c7        r41       1
    c7        r42       -1
    c7        r47       1
    c7        r48       -1
    c8        r15       1
    c8        r16       -1
    c8        r20       1
    c8        r37       1
    c8        r38       -1
    c8        r43       1
    c8        r44       -1
    c8        r49       1
    c8        r50       -1
    c9        r17       1
    c9        r18       -1
    c9        r21       1
    c10       r33       -198
    c10       r34       198
    c11       r35       -198
    c11       r36       198
    c12       r37       -198
    c12       r38       198
    c13       r39       -198
    c13       r40       198
    c14       r41       -198
    c14       r42       198
    c15       r43       -198
    c15       r44       198
    c16       r45       -198
    c16       r46       198
    c17       r47       -198
    c17       r48       198
    c18       r49       -198
    c18       r50       198
    c19       Obj       1
    c19       r22       1
    c19       r23       1
    c19       r24       1
    c19       r25       1
    c19       r26       1
    c19       r27       1
    c19       r28       1
    c19       r29       1
    c19       r30       1
    c19       r31       1
    c19       r32       1
    MARK0001  'MARKER'                 'INTEND'
RHS
    RHS_V     r1        1
    RHS_V     r3        3
    RHS_V     r5        1
    RHS_V     r8        1
    RHS_V     r9        3
    RHS_V     r10       3
    RHS_V     r12       1
    RHS_V     r14       3
    RHS_V     r16       1
    RHS_V     r19       1
    RHS_V     r20       3
    RHS_V     r21       3
    RHS_V     r22       10
    RHS_V     r33       -197
    RHS_V     r34       1
    RHS_V     r35       -197
    RHS_V     r36       3
    RHS_V     r37       -197
    RHS_V     r38       1
    RHS_V     r39       -195
    RHS_V     r40       1
    RHS_V     r41       -195
    RHS_V     r42       3
    RHS_V     r43       -195
    RHS_V     r44       1
    RHS_V     r45       -197
    RHS_V     r46       1
    RHS_V     r47       -197
    RHS_V     r48       3
    RHS_V     r49       -197
    RHS_V     r50       1
BOUNDS
 UI BOUND     c0        198
 UI BOUND     c1        198
 UI BOUND     c2        198
 UI BOUND     c3        198
 UI BOUND     c4        198
 UI BOUND     c5        198
 UI BOUND     c6        198
 UI BOUND     c7        198
 UI BOUND     c8        198
 UI BOUND     c9        198
 BV BOUND     c10     
 BV BOUND     c11     
 BV BOUND     c12     
 BV BOUND     c13     
 BV BOUND     c14     
 BV BOUND     c15     
 BV BOUND     c16     
 BV BOUND     c17     
 BV BOUND     c18     
 LI BOUND     c19       -1
 UI BOUND     c19       199
ENDATA
