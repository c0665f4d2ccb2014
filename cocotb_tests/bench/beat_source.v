// Sends whole payloads in beats, the lowest bits first, with random pauses before beats.
//
// pause of 256 beats wait a cycle, and perhaps more. Only what counts is right: between beats the
// payload is unknown, bits beyond the data are ones, and the side bits of later beats are wrong.
// waits is high from the cycle after the last beat until the payload is taken inside the core. broken
// rises if it is not whole there just then, or if beats are not taken exactly while none waits.

module beat_source #(
    parameter DATA = 1,
    parameter SIDE = 1,
    parameter BEAT = 1,
    parameter FEW = DATA
) (
    input  wire                 clk,
    input  wire                 rst,
    input  wire [31:0]          seed,
    input  wire [8:0]           pause,
    input  wire [SIDE+DATA-1:0] whole_payload,
    input  wire                 whole_few,
    input  wire                 whole_valid,
    output wire                 whole_ready,
    output wire [SIDE+BEAT-1:0] beat_payload,
    output wire                 beat_valid,
    input  wire                 beat_ready,
    input  wire                 inside_valid,
    input  wire                 inside_ready,
    output reg                  waits,
    output reg                  broken
);
    localparam BEATS = (DATA + BEAT - 1) / BEAT;
    localparam FEW_BEATS = (FEW + BEAT - 1) / BEAT;

    reg [31:0] random, place;
    reg        open;

    wire [31:0] random_1 = random ^ (random << 13);
    wire [31:0] random_2 = random_1 ^ (random_1 >> 17);
    wire        ends = place == (whole_few ? FEW_BEATS : BEATS) - 1;
    wire        take = beat_valid & beat_ready;
    wire [BEATS*BEAT:0] filled = {{(BEATS*BEAT+1-DATA){1'b1}}, whole_payload[DATA-1:0]};
    wire [SIDE-1:0] side = whole_payload[DATA+:SIDE];

    assign beat_valid = whole_valid & open;
    assign beat_payload = beat_valid
        ? {place == 0 ? side : ~side, filled[place*BEAT+:BEAT]} : {(SIDE+BEAT){1'bx}};
    assign whole_ready = take & ends;

    always @(posedge clk) begin
        random <= rst ? seed : random_2 ^ (random_2 << 5);
        if (rst) begin
            place <= 0;
            open <= 0;
            waits <= 0;
            broken <= 0;
        end else begin
            waits <= (take & ends) | (waits & ~inside_ready);
            if (inside_valid !== waits || beat_ready !== (~waits | inside_ready)) broken <= 1;
            if (take) place <= ends ? 0 : place + 1;
            if (take | ~open) open <= {1'b0, random[15:8]} >= pause;
        end
    end
endmodule
