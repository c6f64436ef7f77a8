/** Level of the options below (linux/udp.h). */
export const SOL_UDP = 17;
/** Size of the datagrams that a message is cut into. */
export const UDP_SEGMENT = 103;
/** Datagrams that came together are received together; the size of each comes as a control message. */
export const UDP_GRO = 104;
